"""The stored ring is kept in order by many processes at once."""

from datetime import timedelta

from security.identity import KeyRing, KeyState, KeyStore, SecretBox, keep_rotated, revoke, rotate
from security.identity.keys import new_key
from tests.security.identity.memory_key_store import BOX, DAY, NEW_SECRET, NOW, OLD_SECRET, SCHEDULE, MemoryKeyStore


def test_the_first_look_makes_the_first_key() -> None:
    store: KeyStore = MemoryKeyStore()

    ring = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW)

    assert [ring.state(key, NOW) for key in ring.keys] == [KeyState.ACTIVE]
    assert store.load() == ring


def test_looking_again_writes_nothing() -> None:
    store = MemoryKeyStore()
    first = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW)

    assert keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW + DAY) == first
    assert store.writes == 1


def test_a_whole_rotation_next_active_retired_gone() -> None:
    store = MemoryKeyStore()
    (first,) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW).keys

    announced = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW + 29 * DAY)
    (second,) = announced.without(first.kid).keys
    assert announced.active(NOW + 29 * DAY) == first
    assert announced.state(second, NOW + 29 * DAY) is KeyState.NEXT
    assert second in announced.published(NOW + 29 * DAY, SCHEDULE)

    turned = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW + 30 * DAY)
    assert turned.active(NOW + 30 * DAY) == second
    assert turned.state(first, NOW + 30 * DAY) is KeyState.RETIRED
    assert first in turned.published(NOW + 30 * DAY, SCHEDULE)

    assert keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW + 30 * DAY + timedelta(minutes=14)).keys == (second,)


def test_of_two_processes_that_start_together_one_makes_the_key_and_both_use_it() -> None:
    others = KeyRing((new_key(now=NOW, active_from=NOW, box=BOX),))
    store = MemoryKeyStore()
    store.overtaken_by = others

    assert keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW) == others
    assert store.writes == 0


def test_a_new_secret_is_taken_up_at_the_next_look() -> None:
    store = MemoryKeyStore()
    keep_rotated(store, box=SecretBox([OLD_SECRET]), schedule=SCHEDULE, now=NOW)
    keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW)

    ring = keep_rotated(store, box=SecretBox([NEW_SECRET]), schedule=SCHEDULE, now=NOW)

    assert len(ring.keys) == 1
    assert store.writes == 2


def test_where_the_secret_is_lost_a_fresh_key_signs_and_the_old_one_stays_published() -> None:
    store = MemoryKeyStore()
    (lost,) = keep_rotated(store, box=SecretBox([OLD_SECRET]), schedule=SCHEDULE, now=NOW).keys
    new_box = SecretBox([NEW_SECRET])

    ring = keep_rotated(store, box=new_box, schedule=SCHEDULE, now=NOW + DAY)

    (fresh,) = ring.opened_by(new_box).keys
    assert ring.active(NOW + DAY) == fresh
    assert lost in ring.published(NOW + DAY, SCHEDULE)
    assert keep_rotated(store, box=new_box, schedule=SCHEDULE, now=NOW + DAY) == ring


def test_a_rotation_ahead_of_time_is_announced_for_as_long_as_agents_keep_the_keys() -> None:
    store = MemoryKeyStore()
    (first,) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW).keys

    ring = rotate(store, box=BOX, schedule=SCHEDULE, now=NOW + DAY)

    (second,) = ring.without(first.kid).keys
    assert ring.state(second, NOW + DAY) is KeyState.NEXT
    turn = NOW + DAY + SCHEDULE.shortest_announcement
    assert (second.active_from, ring.active(turn)) == (turn, second)
    assert {first, second} == set(ring.published(turn, SCHEDULE))
    assert rotate(store, box=BOX, schedule=SCHEDULE, now=NOW + DAY) == ring


def test_a_revoked_active_key_is_replaced_at_once_and_published_no_more() -> None:
    store = MemoryKeyStore()
    (first,) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW).keys
    later = NOW + 29 * DAY
    (_, second) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=later).keys

    ring = revoke(store, first.kid, box=BOX, schedule=SCHEDULE, now=later)

    assert first not in ring.published(later, SCHEDULE)
    assert ring.active(later) not in (first, second)
    assert ring.active(later).created_at == later


def test_revoking_the_next_key_leaves_the_active_one_and_announces_another() -> None:
    store = MemoryKeyStore()
    (first,) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW).keys
    later = NOW + 29 * DAY
    (_, second) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=later).keys

    ring = revoke(store, second.kid, box=BOX, schedule=SCHEDULE, now=later)

    assert ring.active(later) == first
    assert second not in ring.keys
    assert [ring.state(key, later) for key in ring.keys] == [KeyState.ACTIVE, KeyState.NEXT]


def test_revoking_a_key_survives_another_process_that_writes_in_between() -> None:
    store = MemoryKeyStore()
    (first,) = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW).keys
    store.overtaken_by = store.ring.with_key(new_key(now=NOW, active_from=NOW + DAY, box=BOX))

    ring = revoke(store, first.kid, box=BOX, schedule=SCHEDULE, now=NOW)

    assert first not in ring.keys
    assert len(ring.keys) == 2
    assert store.ring == ring


def test_revoking_an_unknown_key_changes_nothing() -> None:
    store = MemoryKeyStore()
    ring = keep_rotated(store, box=BOX, schedule=SCHEDULE, now=NOW)

    assert revoke(store, "unknown", box=BOX, schedule=SCHEDULE, now=NOW) == ring
