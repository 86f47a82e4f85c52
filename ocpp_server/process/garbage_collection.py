"""Python's garbage collector in a process that serves for months."""

import gc


def tune_garbage_collector() -> None:
    """Leave what the start has made out of every garbage collection, and collect less often.

    Messages make few cycles; with Python's defaults a tenth of the server's time went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
