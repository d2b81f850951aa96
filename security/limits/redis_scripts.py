"""Commands as calls of Lua scripts: the keys and arguments that each script's first lines describe."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from urllib.parse import quote

import orjson

from security.limits.budget import LARGEST_SUM, BudgetAccount
from security.limits.commands import SETTLED_KEEP_MS, Acquire, Admit, Command, GiveBack, Reserve, Settle
from security.limits.table import Hit, slot_tag

Argument = str | int | bytes


@dataclass(frozen=True, slots=True)
class Script:
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class ScriptCall:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]

    @property
    def keys_and_arguments(self) -> list[Argument]:
        return [*self.keys, *self.arguments]


def _script(name: str) -> Script:
    text = (Path(__file__).parent / "lua" / f"{name}.lua").read_text(encoding="utf-8")
    # Redis names a script by its SHA-1; nothing relies on it for security.
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_ACQUIRE, _ADMIT, _GIVE_BACK, _RESERVE, _SETTLE = map(_script, ("acquire", "admit", "give_back", "reserve", "settle"))


def script_call(command: Command) -> ScriptCall:
    """Return the call that carries out the command."""
    match command:
        case Acquire():
            return _acquire(command)
        case Admit():
            return admissions_call([command])
        case GiveBack():
            return ScriptCall(_GIVE_BACK, [scope.key for scope in command.scopes], [command.operation_id])
        case Reserve():
            return _reserve(command)
        case Settle():
            return _settle(command)


def _acquire(command: Acquire) -> ScriptCall:
    arguments: list[Argument] = [command.now_ms]
    for hit in command.hits:
        quota, operation_id = hit.quota, hit.operation_id or command.operation_id
        arguments += [operation_id, quota.allowed, hit.amount, quota.window_seconds * 1000, hit.ahead]
    return ScriptCall(_ACQUIRE, [hit.scope.key for hit in command.hits], arguments)


def admissions_call(commands: Sequence[Admit]) -> ScriptCall:
    """Return one call for commands of one customer; it replies 1 or 0 for each of them, in their order."""
    keys: dict[str, int] = {}
    operations = [[command.now_ms, *(_hit(hit, command, keys) for hit in command.hits)] for command in commands]
    return ScriptCall(_ADMIT, list(keys), [orjson.dumps(operations)])


def _hit(hit: Hit, command: Admit, keys: dict[str, int]) -> list[Argument]:
    number = keys.setdefault(hit.scope.key, len(keys) + 1)
    quota = hit.quota
    return [number, hit.operation_id or command.operation_id, quota.allowed, hit.amount, quota.window_seconds * 1000]


def _reserve(command: Reserve) -> ScriptCall:
    estimate = command.estimate
    arguments: list[Argument] = [command.now_ms, command.reservation_id, estimate.tokens, estimate.micro_usd]
    arguments.append(command.expires_ms)
    for line in command.lines:
        allowance, recorded = line.allowance, line.recorded
        arguments += [_allowed(allowance.tokens), _allowed(allowance.micro_usd)]
        arguments += [recorded.tokens, recorded.micro_usd] if recorded else [-1, -1]
        arguments.append(line.account.keep_ms)
    keys = _budget_keys([line.account for line in command.lines], command.reservation_id)
    return ScriptCall(_RESERVE, keys, arguments)


def _settle(command: Settle) -> ScriptCall:
    tokens, micro_usd = (command.actual.tokens, command.actual.micro_usd) if command.actual else (0, 0)
    counts = int(command.actual is not None)
    arguments: list[Argument] = [command.reservation_id, counts, tokens, micro_usd, LARGEST_SUM, SETTLED_KEEP_MS]
    arguments += [account.keep_ms for account in command.accounts]
    return ScriptCall(_SETTLE, _budget_keys(command.accounts, command.reservation_id), arguments)


def _budget_keys(accounts: Sequence[BudgetAccount], reservation_id: str) -> list[str]:
    tag = slot_tag(accounts[0].customer_id)
    keys = [f"a2a:budget:{tag}:settled:{quote(reservation_id, safe='')}"]
    for account in accounts:
        keys += [account.key, f"{account.key}:expiries"]
    return keys


def _allowed(amount: int | None) -> int:
    return -1 if amount is None else amount
