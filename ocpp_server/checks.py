"""`manage.py check` fails when the action table, the schemas and the handlers disagree.

E001  a row of the table without the schemas of one of its versions
E002  schemas without a row
E003  an action of stations that has no handler
E004  a handler without a row
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import register as register_check

from ocpp_server.protocol import schemas
from ocpp_server.protocol.actions import ACTIONS, SENDS, action, from_station
from ocpp_server.protocol.registry import ROLES, Registry, registry
from ocpp_server.protocol.versions import VERSIONS


def disagreements(handlers: Registry = registry) -> Iterator[tuple[str, str]]:
    """The contradictions, each as (check id, sentence)."""
    yield from _between_table_and_schemas()
    served = handlers.registered("on")
    for version in VERSIONS:
        for name in sorted(from_station(version)):
            if (version, name) not in served:
                yield "ocpp.E003", f"{version} {name}: stations send it, and it has no handler"
    for role in ROLES:
        for spoken, name in sorted(handlers.registered(role)):
            if action(name, spoken) is None:
                yield "ocpp.E004", f"{spoken} {name}: has an @{role} handler, but no row in the table"


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
