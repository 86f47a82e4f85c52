"""Tuning of Python's garbage collector for a process that runs for months."""

import gc


def tune_garbage_collector() -> None:
    """Exclude the objects that exist after the start from garbage collections, and collect less often.

    Messages create few reference cycles; with Python's defaults the search for them took a tenth of the
    server's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
