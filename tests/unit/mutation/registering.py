"""Code that the tests of the mutation tool change: a module that can't run twice."""

from __future__ import annotations

from tests.unit.mutation.changeable import register

LIMIT = 10
TWICE = {"limit": LIMIT * 2}
REGISTERED = register("a name")


def is_small(value: int) -> bool:
    return value < LIMIT
