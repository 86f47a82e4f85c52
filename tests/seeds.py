"""The seeds of the tests that choose at random: kills, outages, interleavings and generated requests.

A test draws one seed and takes everything it chooses from `random.Random(seed)`. The seed is printed in the
command that replays the run; pytest shows it with a failed test.
"""

from __future__ import annotations

import os
import random

VARIABLE = "CHAOS_SEED"
_LARGEST = 10**6
# The seed of the test that is running, by its node id: all parts of one test use the same.
_chosen: dict[str, int] = {}


def chosen_seed(subject: str) -> int:
    """The seed from CHAOS_SEED, or a new one, which `subject` (what is chosen) explains in the output."""
    test = running_test()
    if test not in _chosen:
        _chosen[test] = int(os.environ.get(VARIABLE) or random.SystemRandom().randrange(_LARGEST))
    print(f"Seed of the {subject}: {_chosen[test]}. Replay: {replay(test)}")
    return _chosen[test]


def replay(test: str) -> str | None:
    """The command that runs a test with its seed again; None for a test that has drawn none."""
    if test not in _chosen:
        return None
    # An empty -m replaces the one of pytest.ini, which leaves out the nightly tests.
    return f"{VARIABLE}={_chosen[test]} python -m pytest -m '' '{test}'"


def running_test() -> str:
    """The node id of the running test; empty outside of one."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
