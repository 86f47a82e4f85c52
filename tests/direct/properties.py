"""The bounds of properties that hypothesis searches for counterexamples.

A failure prints a blob for `@reproduce_failure`, and the seed for `--hypothesis-seed`. No examples are kept
between runs, and every run searches elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings


def searched(examples: int) -> Callable[[Any], Any]:
    """Settings for a property that takes a few seconds with this many examples."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=False,
        database=None,
        print_blob=True,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        # Fixtures keep their engine and their database for all examples, so each makes rows of its own.
        suppress_health_check=list(HealthCheck),
    )


def searched_for_long(examples: int) -> Callable[[Any], Any]:
    """The same for the nightly run."""

    def decorate(test: Any) -> Any:
        return pytest.mark.nightly(searched(examples)(test))

    return decorate
