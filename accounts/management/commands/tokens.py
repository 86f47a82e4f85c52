"""Tokens: manage.py tokens list | show | add | change | block | unblock | invalidate."""

from typing import Final

from accounts.filters import TokenQuery
from accounts.serializers import TokenBody, TokenChanges
from accounts.views.tokens import TypeQuery
from ocpp_server.management.resource_command import ResourceCommand
from ocpp_server.management.steps import Named, Rows, Send, Show

_TOKENS: Final = "/api/v1/tokens"
_UID: Final = "uid of the token; case makes no difference"
_FIND: Final = f"{_TOKENS}/by-uid/{{name}}"
_CHANGE: Final = f"{_TOKENS}/{{name}}"
_TOKEN: Final = Named(metavar="UID", help=_UID, path=_FIND, changed_at=_CHANGE, key="id", query=TypeQuery)
# Without --type to name the row: there it is the new type.
_CHANGED: Final = Named(metavar="UID", help=_UID, path=_FIND, changed_at=_CHANGE, key="id")


class Command(ResourceCommand):
    help = "List, add and change the tokens that may charge."
    steps = (
        Rows(
            name="list",
            sentence="List tokens.",
            path=_TOKENS,
            key="tokens",
            query=TokenQuery,
            columns=("id", "uid", "type", "status", "contract_id", "name", "last_used_at"),
        ),
        Show(name="show", sentence="Show a token.", of=_TOKEN),
        Send(name="add", sentence="Add a token.", path=_TOKENS, body=TokenBody, positional="uid"),
        Send(
            name="change",
            sentence="Change fields of one or more tokens.",
            method="PATCH",
            of=_CHANGED,
            body=TokenChanges,
            without=("uid",),
        ),
        Send(name="block", sentence="Block tokens until they are unblocked.", of=_TOKEN, path="/block"),
        Send(name="unblock", sentence="Unblock tokens.", of=_TOKEN, path="/unblock"),
        Send(
            name="invalidate",
            sentence="Invalidate tokens. Their rows are kept.",
            method="DELETE",
            of=_TOKEN,
            danger="They can't charge any more.",
        ),
    )
