"""The stored key ring kept in order: safe to run in every process, as often as it likes."""

from datetime import datetime
from typing import Protocol

from security.identity.keys import KeyRing, KeyState, RotationSchedule, new_key
from security.identity.sealing import SecretBox


class KeyStore(Protocol):
    """Where the ring is kept for all processes."""

    def load(self) -> KeyRing:
        """Return the ring; an empty one on the first start."""
        ...

    def replace(self, *, old: KeyRing, new: KeyRing) -> bool:
        """Store the new ring if the old one still stands there; False where another process was first."""
        ...


def keep_rotated(store: KeyStore, *, box: SecretBox, schedule: RotationSchedule, now: datetime) -> KeyRing:
    """Do what is due to the stored ring and return it as it then is.

    The first key is active at once; each later one is announced before. Runs whenever a process reads its ring, at
    least every ``reload_seconds``. Where the secret that sealed the keys is lost, a fresh one becomes active at once;
    the others stay published until their tokens have expired.
    """
    while True:
        stored = store.load()
        ring = stored.tidied(now, schedule, box)
        turn = ring.opened_by(box).next_turn(now, schedule)
        if turn is not None:
            ring = ring.with_key(new_key(now=now, active_from=turn, box=box))
        if ring == stored or store.replace(old=stored, new=ring):
            return ring


def rotate(store: KeyStore, *, box: SecretBox, schedule: RotationSchedule, now: datetime) -> KeyRing:
    """Announce a new key ahead of its time; it becomes active as soon as everybody can know it.

    Where one is about to become active anyway, it is left at that.
    """
    turn = now + schedule.shortest_announcement
    while True:
        stored = keep_rotated(store, box=box, schedule=schedule, now=now)
        if any(now < key.active_from <= turn for key in stored.opened_by(box).keys):
            return stored
        ring = stored.with_key(new_key(now=now, active_from=turn, box=box))
        if store.replace(old=stored, new=ring):
            return ring


def revoke(store: KeyStore, kid: str, *, box: SecretBox, schedule: RotationSchedule, now: datetime) -> KeyRing:
    """Take a key out at once, because it may be known to others; a fresh one takes its place where it was active.

    Agents refuse the revoked key's tokens once they have read the published keys again.
    """
    while True:
        stored = store.load()
        ring = stored.without(kid)
        if any(key.kid == kid and stored.state(key, now) is KeyState.ACTIVE for key in stored.keys):
            ring = ring.with_key(new_key(now=now, active_from=now, box=box))
        if ring == stored or store.replace(old=stored, new=ring):
            return keep_rotated(store, box=box, schedule=schedule, now=now)
