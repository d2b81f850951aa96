"""A key ring in memory, and the fixed points of time and secrets that the tests of this folder share."""

from datetime import UTC, datetime, timedelta

from security.identity import KeyRing, RotationSchedule, SecretBox

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OLD_SECRET = "the-old-secret-of-the-installation-0123"
NEW_SECRET = "the-new-secret-of-the-installation-4567"
BOX = SecretBox([NEW_SECRET, OLD_SECRET])
SCHEDULE = RotationSchedule()


class MemoryKeyStore:
    """Keep the ring; with ``overtaken_by`` another process replaces it first, once."""

    def __init__(self, ring: KeyRing | None = None) -> None:
        self.ring = ring or KeyRing()
        self.writes = 0
        self.overtaken_by: KeyRing | None = None

    def load(self) -> KeyRing:
        return self.ring

    def replace(self, *, old: KeyRing, new: KeyRing) -> bool:
        if self.overtaken_by is not None:
            self.ring, self.overtaken_by = self.overtaken_by, None
        if self.ring != old:
            return False
        self.ring = new
        self.writes += 1
        return True
