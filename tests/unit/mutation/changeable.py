"""Code that the tests of the mutation tool change."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps

LIMIT = 10
REGISTERED: list[Callable[[int], bool]] = []
_NAMES: set[str] = set()


def registered(function: Callable[[int], bool]) -> Callable[[int], bool]:
    @wraps(function)
    def wrapper(value: int) -> bool:
        return function(value)

    REGISTERED.append(wrapper)
    return wrapper


def register(name: str) -> str:
    if name in _NAMES:
        raise ValueError(name)
    _NAMES.add(name)
    return name


@registered
def is_small(value: int) -> bool:
    return value < LIMIT


class Counter:
    step = 1

    def __init__(self) -> None:
        self.value = 0

    @property
    def is_used(self) -> bool:
        return self.value > 0

    async def add(self, *, times: int = 1) -> int:
        for _ in range(times):
            self.value += self.step
        return self.value


class Slow(Counter):
    def __init__(self) -> None:
        super().__init__()
        self.step = 3


@cache
def doubled(value: int) -> int:
    return value * 2


def is_seven(value: int) -> bool:
    return value == 7  # equivalent: for the test of this comment
