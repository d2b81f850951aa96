"""The garbage collector's pace in a process that serves for long."""

import gc


def collect_seldom() -> None:
    """Have the garbage collector pass over what the process has loaded, and come by less often.

    Hops and requests leave next to nothing in cycles, yet make many objects: by its defaults a tenth of the loop's
    time was the collector's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
