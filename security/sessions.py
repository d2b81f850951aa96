"""Sessions: rows of the platform's, since nobody knows for whom a request works before its session is read."""

from typing import Any

from django.contrib.sessions.backends import db

from security.rows import platform_rows


class SessionStore(db.SessionStore):
    """Django's sessions in the database, out of reach of what works for one customer."""

    @platform_rows()
    def load(self) -> dict[str, Any]:
        return super().load()

    @platform_rows()
    def exists(self, session_key: str) -> bool:
        return super().exists(session_key)

    @platform_rows()
    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  Django's signature
        super().save(must_create)

    @platform_rows()
    def delete(self, session_key: str | None = None) -> None:
        super().delete(session_key)

    @classmethod
    @platform_rows()
    def clear_expired(cls) -> None:
        super().clear_expired()
