"""A message writes in its own unit of work only, so that nothing is left when it is rolled back.

The test follows each handler that runs before the commit through the functions that it names, and finds what
these run in the journal: such a function may read, but not write. `station.unit.run` is for writes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from chargepoints.services import data_transfer
from ocpp_server.protocol.registry import Role, registry
from ocpp_server.storage.journal import journal
from tests.unit.house.import_graph import PACKAGES

# The roles whose changes are stored with the message, or not at all.
BEFORE_THE_COMMIT: tuple[Role, ...] = ("on", "also", "reply", "failed")
# Methods that write, of a manager, a queryset, a row or a table of the journal.
WRITES = frozenset({
    "save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete", "update",
    "insert", "emit", "emit_many",
})  # fmt: skip
# These functions write before the message is stored, by intent.
BY_THEMSELVES = {
    "chargepoints.services.availability._make": "the message names the connector by its key",
    "chargepoints.services.provisioning.certificate_names._record": "the message is refused, and reported",
    "transactions.services.authorization.unknown_tokens.note": "the inbox counts every attempt",
    "certificates.services.certificates.ocsp._store": "the answer of a responder is no effect of a message",
}
# The functions whose result is in an answer, and the tests that they return the same on their own rows.
WITH_RESULT = {
    "certificates.services.certificates.requesting._store": "certificates/test_requests_twice.py",
    "tariffs.services.payment.receipts.reported": "tariffs/payment/test_receipts.py",
    "transactions.services.reservation.answers._claim": "transactions/reservation/test_answers_twice.py",
}
# It undoes what its function writes.
DRY_RUN = "ocpp_server.storage.writes.dry_run"

TESTS = Path(__file__).parents[1]

Function = FunctionType


def test_a_message_writes_in_its_unit_of_work_only() -> None:
    found = {name for function in reachable(handlers()) for name in writing(function)}

    assert found == set(BY_THEMSELVES), sorted(found ^ set(BY_THEMSELVES))


def test_functions_whose_result_is_in_an_answer_are_known() -> None:
    """See `writes.with_result`: each one needs a test that it returns the same a second time."""
    found = [
        [_name(one) for one in _named(call.args[1], function)]
        for function in reachable(handlers())
        for call in ast.walk(_tree(function))
        if isinstance(call, ast.Call) and _ends(call.func, "writes", "with_result")
    ]

    assert all(found), "a function is given that the test does not know"
    assert {name for names in found for name in names} == set(WITH_RESULT)
    assert all((TESTS / test).is_file() for test in WITH_RESULT.values())


def test_writes_are_found_through_services_lambdas_and_names() -> None:
    async def stored(pk: int) -> None:
        await journal.run(lambda: data_transfer.ChargePoint.objects.filter(pk=pk).update(name=""))

    async def read(pk: int) -> None:
        await journal.run(lambda: data_transfer.ChargePoint.objects.filter(pk=pk).exists())

    async def batched(pk: int) -> None:
        await journal.run_batched(_written, pk)

    async def unknown(function: Callable[[], None]) -> None:
        await journal.run(function)

    assert [len(list(writing(one))) for one in (stored, read, batched, unknown)] == [1, 0, 1, 1]


def _written(rows: list[Any]) -> list[None]:
    return [row.save() for row in rows]


# -- the functions that run before the commit ----------------------------------------------------------------


def handlers() -> Iterator[Function]:
    for role in BEFORE_THE_COMMIT:
        for version, action in registry.registered(role):
            match role:
                case "on":
                    yield from _plain(registry.handler(version, action))
                case "also":
                    for one in registry.reactions(version, action):
                        yield from _plain(one)
                case "reply":
                    yield from _plain(registry.reply_handler(version, action))
                case "failed":
                    yield from _plain(registry.failed_handler(version, action))
    for one in data_transfer._answered.values():
        yield from _plain(one)
    for registered in data_transfer.receivers._registered.values():
        yield from _plain(registered.receiver)


def _plain(value: object) -> Iterator[Function]:
    """The function behind a function, method or partial of this project, and the functions in its cells."""
    function = inspect.unwrap(getattr(value, "__func__", getattr(value, "func", value)))  # type: ignore[arg-type]
    if isinstance(function, FunctionType) and function.__module__.split(".")[0] in (*PACKAGES, "tests"):
        yield function
        for cell in function.__closure__ or ():
            if isinstance(cell.cell_contents, FunctionType):
                yield from _plain(cell.cell_contents)


def reachable(roots: Iterator[Function]) -> set[Function]:
    """The roots, and the functions of this project that they name, except those that they run elsewhere."""
    found: set[Function] = set()
    left = list(roots)
    while left:
        function = left.pop()
        if function not in found:
            found.add(function)
            left += [one for node in _nodes(_tree(function)) for one in _named(node, function)]
    return found


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without the arguments of calls that run a function in the writer thread."""
    yield tree
    children = [tree.func] if isinstance(tree, ast.Call) and _is_run(tree) else ast.iter_child_nodes(tree)
    for child in children:
        yield from _nodes(child)


def _is_run(call: ast.Call) -> bool:
    return _ends(call.func, "journal", "run", "run_batched") or _ends(call.func, "unit", "run")


def _ends(node: ast.expr, owner: str, *names: str) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr not in names:
        return False
    value = node.value
    return (value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")) == owner


@cache
def _tree(function: Function) -> ast.AST:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return next(node for node in ast.walk(tree) if isinstance(node, kinds))


def _named(node: ast.AST, function: Function) -> Iterator[Function]:
    if isinstance(node, ast.Name | ast.Attribute):
        yield from _plain(_value(node, function))


def _value(node: ast.expr, function: Function) -> Any:
    """The value of a dotted name as the function sees it; None for a local name."""
    if isinstance(node, ast.Name):
        names = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        cell = names.get(node.id)
        return function.__globals__.get(node.id) if cell is None else cell.cell_contents
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, function)
        try:
            return getattr(owner, node.attr, None)
        except Exception:  # noqa: BLE001 - a lazy object or an empty port
            return None
    return None


# -- the functions that they run in the journal --------------------------------------------------------------


def writing(function: Function) -> Iterator[str]:
    """The functions that write among those that a function runs in the journal, by their dotted names."""
    for call in ast.walk(_tree(function)):
        if not isinstance(call, ast.Call) or not _ends(call.func, "journal", "run", "run_batched"):
            continue
        wanted = call.args[0]
        named = list(_named(wanted, function))
        if any(_name(one) == DRY_RUN for one in named):
            continue
        is_unknown = isinstance(wanted, ast.Name) and not named and _value(wanted, function) is None
        if is_unknown or _has_write(wanted):
            yield f"{_name(function)}:{ast.unparse(wanted)}"
        inner = [one for node in ast.walk(wanted) for one in _named(node, function)]
        if any(_has_write(_tree(one)) for one in reachable(iter(inner))):
            yield _name(inner[0])


def _name(function: Function) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _has_write(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr in WRITES for node in ast.walk(tree))
