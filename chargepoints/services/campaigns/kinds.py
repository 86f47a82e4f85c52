"""The kinds of campaigns. An app registers its kinds in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured

from chargepoints.models import CampaignStation, ChargePoint
from ocpp_server.command_fields import Label
from ocpp_server.credentials import Role

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """The result of one station. `reason` is empty for a success; `detail` is a sentence for people."""

    state: str
    reason: str = ""
    detail: str = ""


class Kind(Protocol):
    """A kind of campaign: its work at each of the stations.

    `begin` sends commands with the actor that it gets; the first one has the claim of the row as its id. It
    returns a result only if none is to be awaited, such as for a station that has the wanted state already.
    """

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> Label: ...

    def check(self, arguments: Arguments) -> dict[str, Any]:
        """The arguments as they are stored. Raises Invalid with the wrong ones."""

    def role(self, arguments: Arguments) -> Role:
        """The lowest role that may do this."""

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        """The arguments without secrets."""

    def sentence(self, arguments: Arguments) -> str:
        """Its work in words, for pages and answers. The arguments may be masked."""

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        """Send it to one station, and return without waiting for the answer. Raises DomainError."""

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        """The results of these sent rows, by key; a row whose effect is still awaited is missing. Uses the
        database.
        """


# The kind of a campaign that sends a command, and its arguments from the fields of that command.
Convert = Callable[[Arguments], dict[str, Any]]
_kinds: dict[str, Kind] = {}
_of_commands: dict[str, tuple[Kind, Convert]] = {}
_only_ways: set[str] = set()


def register(kind: Kind, *, commands: Mapping[str, Convert] | None = None, is_only_way: bool = False) -> None:
    """Add a kind; for `AppConfig.ready`. Raises ImproperlyConfigured if another one has its name.

    `commands`: the names of the commands that the kind sends. A page that starts a campaign with one of them
    gets this kind, which waits for the effect and not for the answer alone. `is_only_way`: the kind "command"
    refuses them.
    """
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ImproperlyConfigured(f"Two kinds of campaigns are named {kind.name!r}.")
    for name, convert in (commands or {}).items():
        _of_commands[name] = kind, convert
        if is_only_way:
            _only_ways.add(name)


def of_command(name: str, fields: Arguments) -> tuple[str, dict[str, Any]]:
    """The name of the kind that sends this command, and its arguments from the fields of the command."""
    if name in _of_commands:
        kind, convert = _of_commands[name]
        return kind.name, convert(fields)
    return "command", {"command": name, "fields": dict(fields)}


def only_kind_of(command: str) -> str:
    """The name of the one kind that may send this command; empty if the kind "command" may too."""
    return _of_commands[command][0].name if command in _only_ways else ""


def names() -> list[str]:
    """The names of all kinds."""
    return sorted(_kinds)


def find(name: str) -> Kind | None:
    """The kind of this name."""
    return _kinds.get(name)
