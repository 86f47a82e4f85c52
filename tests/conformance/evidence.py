"""Whether a test asserts what the server has sent and what it has stored.

`Peer` and `Records` call `note` whenever a test reads a frame or a row. A read counts only if an assert of
the test sees its result: the line of the read is in an assert (or in `pytest.raises`, or in `eventually`), or
it assigns names that an assert mentions. A test that reads a row without looking at it has asserted nothing.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, Literal

Kind = Literal["wire", "stored"]

_FOLDER: Final = str(Path(__file__).parent)
# These read for the tests: their own lines are no lines of a test.
_READERS: Final = frozenset(str(Path(_FOLDER, name)) for name in ("evidence.py", "peer.py", "conftest.py"))

_asserted: set[Kind] | None = None


@contextmanager
def gathered() -> Iterator[set[Kind]]:
    """The kinds that the test inside of the block asserts, complete at its end."""
    global _asserted  # noqa: PLW0603 - one test runs at a time
    _asserted = found = set()
    try:
        yield found
    finally:
        _asserted = None


def note(kind: Kind) -> None:
    """Note that the calling test reads a frame ("wire") or a row ("stored")."""
    if _asserted is None or kind in _asserted:
        return
    frame = reader = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if frame is not reader and frame.f_code.co_name == "station" and path in _READERS:
            return  # the boot in `async with station(...)` leads to a test and is not its subject
        if path.startswith(_FOLDER) and path not in _READERS and frame.f_lineno in asserted_lines(path):
            _asserted.add(kind)
            return
        frame = frame.f_back  # type: ignore[assignment]


@cache
def asserted_lines(path: str) -> frozenset[int]:
    """The lines of a file whose result an assert of the same function sees."""
    return lines_in(Path(path).read_text("utf-8"))


def lines_in(source: str) -> frozenset[int]:
    """The same for the text of a file."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(line for function in functions for line in _lines_of(function))


def _lines_of(function: ast.AST) -> Iterator[int]:
    nodes = list(ast.walk(function))
    checks = [node for node in nodes if _is_check(node)]
    seen = {name for check in checks if isinstance(check, ast.Assert) for name in _names(check.test)}
    assignments = [found for node in nodes if (found := _assignment(node)) is not None]
    before = -1
    while before != len(seen):
        before = len(seen)
        for targets, value in assignments:
            # Of several results, all must be seen: the one that is ignored could be the frame.
            if targets and targets <= seen:
                seen |= _names(value)
    values = [value for targets, value in assignments if targets and targets <= seen]
    for node in (*checks, *values):
        yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _is_check(node: ast.AST) -> bool:
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(_called(item.context_expr) == "raises" for item in node.items)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Await):
        return _called(node.value.value) == "eventually"
    return isinstance(node, ast.Assert)


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _assignment(node: ast.AST) -> tuple[set[str], ast.expr] | None:
    """The names that a statement assigns, and where their value comes from."""
    if isinstance(node, ast.Assign):
        return {name for target in node.targets for name in _names(target)}, node.value
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return _names(node.target), node.iter
    if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        return _names(node.target), node.value
    return None


def _names(node: ast.AST) -> set[str]:
    """The names whose value an expression shows.

    An argument is not one of them, except of a function of Python itself: `records.command(call[1])` shows a
    row, and nothing of the frame `call`.
    """
    if isinstance(node, ast.Name):
        return {node.id}
    parts = ast.iter_child_nodes(node)
    if isinstance(node, ast.Call) and not (
        isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)
    ):
        parts = iter([node.func])
    return {name for part in parts for name in _names(part)}
