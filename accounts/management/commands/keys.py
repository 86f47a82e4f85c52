"""API keys: manage.py keys list | show | add | change | roll | revoke | requests."""

from typing import Any, Final

from accounts.filters import ApiKeyQuery, ApiKeyRequestQuery
from accounts.serializers import ApiKeyBody, ApiKeyChanges, RollBody
from ocpp_server.management.api import Api
from ocpp_server.management.resource_command import ResourceCommand
from ocpp_server.management.running_server import is_temporary
from ocpp_server.management.steps import Named, Rows, Send, Show

_KEYS: Final = "/api/v1/api-keys"
_NUMBER: Final = Named(metavar="ID", help="number of the key: see keys list", path=f"{_KEYS}/{{name}}")
_SHOWN_ONCE: Final = ("id", "key")


def _is_temporary(api: Api, row: dict[str, Any]) -> bool:
    """Whether it is the key of this command, or one of those that earlier commands have revoked."""
    is_own = api.key.startswith(row["prefix"])
    return is_temporary(row["name"]) and (is_own or row["state"] != "usable")


class Command(ResourceCommand):
    help = "List, add, roll and revoke the API keys of other systems."
    steps = (
        Rows(
            name="list",
            sentence="List API keys.",
            path=_KEYS,
            key="api_keys",
            query=ApiKeyQuery,
            columns=(
                "id",
                "name",
                "prefix",
                "role",
                "state",
                "scopes",
                "sites",
                "expires_at",
                "last_used_at",
            ),
            hides=_is_temporary,
            hidden_by=("name", "prefix", "state"),
        ),
        Show(name="show", sentence="Show an API key, without the key itself.", of=_NUMBER),
        Send(
            name="add",
            sentence="Add an API key. It is printed once, and stored nowhere.",
            path=_KEYS,
            body=ApiKeyBody,
            positional="name",
            shown=_SHOWN_ONCE,
        ),
        Send(
            name="change",
            sentence="Change the name or the expiry of API keys.",
            method="PATCH",
            of=_NUMBER,
            body=ApiKeyChanges,
        ),
        Send(
            name="roll",
            sentence="Replace API keys: each new one has the rights of the one before, and is printed once.",
            of=_NUMBER,
            path="/roll",
            body=RollBody,
            shown=_SHOWN_ONCE,
        ),
        Send(
            name="revoke",
            sentence="Revoke API keys. Their rows are kept.",
            method="DELETE",
            of=_NUMBER,
            danger="Requests with it are refused from now on.",
        ),
        Rows(
            name="requests",
            sentence="List the requests of an API key, newest first.",
            path=f"{_KEYS}/{{name}}/requests",
            of=_NUMBER,
            key="requests",
            query=ApiKeyRequestQuery,
            columns=("at", "method", "path", "status", "duration_ms", "address"),
        ),
    )
