"""The same agents in A2A 0.3's words: kinds on every object, kebab-case states, slashed method names."""

from typing import Any

_METHODS = {"message/send": "SendMessage", "tasks/get": "GetTask", "tasks/cancel": "CancelTask"}


def to_current_request(body: dict[str, Any]) -> dict[str, Any] | None:
    """Translate a 0.3 request; None when its method is not one of 0.3's."""
    method = _METHODS.get(str(body.get("method")))
    return None if method is None else body | {"method": method}


def to_legacy_result(result: dict[str, Any]) -> dict[str, Any]:
    """Translate a 1.0 result, which is a Task, {"task": Task} or {"message": Message}."""
    if "message" in result and "status" not in result:
        return _message(result["message"])
    return _task(result.get("task", result))


def _task(task: dict[str, Any]) -> dict[str, Any]:
    state = str(task["status"]["state"]).removeprefix("TASK_STATE_").lower().replace("_", "-")
    status: dict[str, Any] = {"state": state}
    if "message" in task["status"]:
        status["message"] = _message(task["status"]["message"])
    artifacts = [each | {"parts": [_part(part) for part in each["parts"]]} for each in task.get("artifacts", ())]
    return task | {"kind": "task", "status": status, "artifacts": artifacts}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    return message | {"kind": "message", "role": "agent", "parts": [_part(part) for part in message["parts"]]}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = "text" if "text" in part else "data"
    return {"kind": kind, kind: part[kind]}
