"""How the interpreter runs: while a command loads what it needs, and in a process that serves for long."""

import gc
import sys

_SWITCH_SECONDS = 0.001


def tune_for_loading() -> None:
    """Have the garbage collector come by less often.

    To load all that a process needs makes many objects and no garbage: by its defaults a seventh of the start was the
    collector's.
    """
    gc.set_threshold(20_000, 20, 20)


def tune_for_serving() -> None:
    """Pass over what is loaded in garbage collection, and come by less often.

    Hops and requests leave next to nothing in cycles, yet make many objects: by its defaults a tenth of the loop's
    time was the collector's.
    """
    gc.collect()
    gc.freeze()
    tune_for_loading()


def take_turns_soon() -> None:
    """Let threads take turns sooner, beside a busy event loop.

    One that comes back from the database waits for the loop to let go: by the default for up to 5 ms, several times a
    commit, while nothing else can be committed.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
