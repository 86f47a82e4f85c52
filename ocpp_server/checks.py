"""`manage.py check` fails when the action table, the schemas and the handlers disagree.

E001  a row of the table without the schemas of one of its versions
E002  schemas without a row
E003  an action of stations that has no handler and is not in NOT_YET
E004  an action that has a handler and is in NOT_YET
E005  an action in NOT_YET that no station of that version may send
E006  a handler without a row
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error
from django.core.checks import register as register_check

from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import ACTIONS, SENDS, action, from_station
from ocpp_server.protocol.registry import ROLES, Registry, registry
from ocpp_server.protocol.versions import V2X, V16, VERSIONS, Version

# Actions of stations that have no handler yet: they are answered with NotSupported. The answer of each needs
# a function of the server that does not exist yet, so no other answer would be true. README.md has the list:
# see `ocpp_server.not_yet`.
_NOT_YET_16: Final[dict[str, str]] = {}
_NOT_YET_2X: Final = {
}
# The reason of each.
WHY_NOT_YET: Final = {**_NOT_YET_16, **_NOT_YET_2X}

NOT_YET: Final[frozenset[tuple[Version, str]]] = frozenset(
    [(V16, name) for name in _NOT_YET_16] + [(version, name) for version in V2X for name in _NOT_YET_2X]
)


def disagreements(
    handlers: Registry = registry, not_yet: frozenset[tuple[Version, str]] = NOT_YET
) -> Iterator[tuple[str, str]]:
    """The contradictions, each as (check id, sentence)."""
    yield from _between_table_and_schemas()
    served = handlers.registered("on")
    for version in VERSIONS:
        for name in sorted(from_station(version)):
            if (version, name) not in served | not_yet:
                yield (
                    "ocpp.E003",
                    f"{version} {name}: stations send it, it has no handler, and it is not in NOT_YET",
                )
    for version, name in sorted(not_yet):
        if (version, name) in served:
            yield "ocpp.E004", f"{version} {name}: has a handler; take it out of NOT_YET"
        if name not in from_station(version):
            yield "ocpp.E005", f"{version} {name}: is in NOT_YET, but no station of this version may send it"
    for role in ROLES:
        for spoken, name in sorted(handlers.registered(role)):
            if action(name, spoken) is None:
                yield "ocpp.E006", f"{spoken} {name}: has an @{role} handler, but no row in the table"


def _between_table_and_schemas() -> Iterator[tuple[str, str]]:
    for row in ACTIONS.values():
        for version in row.versions:
            if not schemas.has(version, row.name, "request"):
                yield "ocpp.E001", f"{version} {row.name}: no request schema"
            if row.name not in SENDS and not schemas.has(version, row.name, "response"):
                yield "ocpp.E001", f"{version} {row.name}: no response schema"
    for version in VERSIONS:
        for name in sorted(schemas.actions_of(version)):
            if action(name, version) is None:
                yield "ocpp.E002", f"{version} {name}: has schemas, but no row in the table"


def check_actions(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The Django system check; it runs after all handler modules were imported."""
    return [Error(sentence, id=number) for number, sentence in disagreements()]


def register() -> None:
    """Add the check to `manage.py check` with the tag "ocpp"; for `AppConfig.ready`."""
    register_check(check_actions, "ocpp")
