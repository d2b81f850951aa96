"""Settings from the environment: each name may also be given as NAME_FILE, a mounted secret."""

import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit


def stop(message: str) -> NoReturn:
    """End the start with one line that says what to set."""
    sys.exit(f"settings: {message}")


def text(name: str, default: str = "") -> str:
    """Return the variable, or the content of the file that NAME_FILE names, or the default."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            stop(f"{name}_FILE cannot be read: {error}")
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether the variable says yes."""
    value = text(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false", "yes", "no", "on", "off"}:
        stop(f"{name} must be 1 or 0, not {value!r}")
    return value in {"1", "true", "yes", "on"}


def number(name: str, default: float, *, least: float = 0) -> float:
    """Return a number no smaller than ``least``."""
    value = text(name, str(default))
    try:
        parsed = float(value)
    except ValueError:
        stop(f"{name} must be a number, not {value!r}")
    if not least <= parsed < float("inf"):
        stop(f"{name} must be at least {least:g}, not {value}")
    return parsed


def listing(name: str, default: str = "") -> list[str]:
    """Return the comma-separated parts, without blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def address(name: str) -> str:
    """Return an http or https address without its last slash, or an empty text where the variable is unset."""
    value = text(name)
    if not value:
        return ""
    parts = urlsplit(value)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        stop(f"{name} must begin with https:// or http:// and name no more than host and path, not {value!r}")
    return value.rstrip("/")


def generated_secret(path: Path) -> str:
    """Return the secret kept in the file, made on the first start. Two processes that start at once get the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was first: its secret is the one that counts.
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii")
