"""Finds the tests that may start a process, in their function, their helpers or their fixtures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.processes import launching

# Functions and classes that start a process without the launcher.
_CALLS = frozenset({"create_subprocess_exec", "create_subprocess_shell", "fork", "Popen"})


def may_start() -> bool:
    """Whether tests may start processes: not in `run.py test --fast`."""
    return "TESTS_START_NO_PROCESS" not in os.environ


def starts_process(item: pytest.Item) -> bool:
    """Whether the test or one of its fixtures may call a function that starts a process.

    The search follows the global names that functions and classes of tests use. A test counts even when it
    only creates an object of a class that can start processes.
    """
    if not isinstance(item, pytest.Function):
        return False
    definitions = item._fixtureinfo.name2fixturedefs.values()
    functions = [item.function, *(each.func for found in definitions for each in found)]
    _alive.extend(functions)
    return any(_reaches(_plain(function)) for function in functions)


def _plain(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return getattr(function, "__func__", function)


# Whether a function or class may start a process. Thousands of tests share the same helpers.
_known: dict[int, bool] = {}
_alive: list[Any] = []  # the keys of `_known` are ids: they must not be given to other objects


def _reaches(start: Any) -> bool:
    found_by: dict[int, int] = {id(start): 0}
    waiting = [start]
    while waiting:
        value = waiting.pop()
        key = id(value)
        if key in _known and not _known[key]:
            continue
        if key in _known or _starts(value):
            while key:
                _known[key] = True
                key = found_by[key]
            return True
        for used in _used(value):
            if id(used) not in found_by:
                found_by[id(used)] = key
                waiting.append(used)
                _alive.append(used)
    _known.update(dict.fromkeys(found_by, False))
    return False


def _starts(value: Any) -> bool:
    """Whether the value itself starts a process."""
    if value is launching.launch:
        return True
    for code, known in _codes(value):
        names = set(_names(code))
        if names & _CALLS or ("subprocess" in names and known.get("subprocess") is subprocess):
            return True
    return False


def _used(value: Any) -> Iterator[Any]:
    """The functions and classes of tests that the value names."""
    for code, known in _codes(value):
        names = set(_names(code))
        yield from (known[name] for name in names if _is_of_tests(known.get(name)))
        for module in names:
            if getattr(known.get(module), "__name__", "").startswith("tests."):
                parts = (getattr(known[module], name, None) for name in names)
                yield from (part for part in parts if _is_of_tests(part))


def _codes(value: Any) -> Iterator[tuple[CodeType, dict[str, Any]]]:
    """Yield the code of a function, or of all methods of a class and its bases, with its globals."""
    value = _plain(value)  # a helper with a decorator, such as a context manager
    if isinstance(value, FunctionType):
        yield value.__code__, value.__globals__
    elif isinstance(value, type):
        for base in value.__mro__:
            for part in vars(base).values() if _is_of_tests(base) else ():
                function = _plain(getattr(part, "fget", None) or part)
                if isinstance(function, FunctionType):
                    yield function.__code__, function.__globals__


def _is_of_tests(value: Any) -> bool:
    value = _plain(value)
    module = getattr(value, "__module__", None) or ""
    return isinstance(value, FunctionType | type) and ".test" in f".{module}"


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
