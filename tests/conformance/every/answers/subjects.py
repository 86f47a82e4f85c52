"""The subjects of commands: reservations, profiles, lists. Each can be retried after every ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chargepoints.models import Command
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers.cases import Case, Shown


class Subject:
    """The thing that a command is about. This one has no state of its own besides the command."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        """Make what the command needs; return the fields of the body that follow from it."""
        return {}

    async def check(self, case: Case, row: Command) -> None:
        """Check the state that the operator reads after the command has ended."""

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        """The fields with which the command is sent again; None where that makes no sense."""
        return case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        """The usual effect of the second attempt, which the station has accepted."""


_subjects: dict[str, Subject] = {}


def of(command: str) -> Callable[[type[Subject]], type[Subject]]:
    """Register the class for the command with this name."""

    def register(kind: type[Subject]) -> type[Subject]:
        _subjects[command] = kind()
        return kind

    return register


def subject(command: str) -> Subject:
    return _subjects.get(command, Subject())


async def shown(kind: Any, rows: Any) -> list[dict[str, Any]]:
    """These rows as the REST API shows them. `kind` is the serializer, or one with a context."""
    serializer = kind() if isinstance(kind, type) else kind
    return await journal.run(lambda: [serializer.to_representation(row) for row in rows.all()])


def fields_of(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]
