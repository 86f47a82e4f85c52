"""Tokens, by the server's id and by uid. DELETE invalidates a token; its row is kept."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.filters import TokenQuery
from accounts.models import Token
from accounts.serializers import TokenBody, TokenChanges, TokenSerializer
from accounts.services import tokens
from accounts.views import lookups
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for

_STATUS = "Token {row} is {row.status}."
_BLOCKED = "It starts no session until it is unblocked. Only an active token can be blocked: 409."
_UNBLOCKED = "A lost, expired or invalid token cannot be unblocked: 409."


class TypeQuery(StrictSerializer):
    type = serializers.ChoiceField(
        choices=Token.Type.values,
        required=False,
        help_text="Needed when tokens of several types share the uid.",
    )


def resolved(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a token with rows instead of ids. Raises Invalid."""
    if "user_id" in given:
        number = given.pop("user_id")
        given["user"] = None if number is None else lookups.named_user(number, "user_id")
    if "contract_id" in given:
        given["contract"] = lookups.named_contract(given.pop("contract_id"))
    return given


class TokenViewSet(ResourceViewSet):
    tag, noun = "Tokens", "token"
    personal = ("name",)
    write_role = role_for(Right.TOKENS)
    queryset = Token.objects.select_related("contract").order_by("pk")
    serializer_class = TokenSerializer
    deletions = Token
    expansions = {
        "user": Expansion("user", "accounts.views.users.UserViewSet"),
        "contract": Expansion("contract", "accounts.views.contracts.ContractViewSet"),
    }
    lookup = lookups.TOKEN
    operations = (
        List(TokenQuery),
        Get(sentence=_STATUS),
        Create(TokenBody, tokens.create),
        Change(TokenChanges, tokens.update, word="update"),
        Delete(tokens.invalidate, word="invalidate", description="The row is kept: sessions refer to it."),
        Act("block", tokens.block, description=_BLOCKED),
        Act(
            "unblock",
            tokens.unblock,
            description=_UNBLOCKED,
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        return resolved(given)


class TokenByUidViewSet(ResourceViewSet):
    tag, noun = "Tokens", "token"
    personal = ("name",)
    write_role = role_for(Right.TOKENS)
    serializer_class = TokenSerializer
    expansions = {
        "user": Expansion("user", "accounts.views.users.UserViewSet"),
        "contract": Expansion("contract", "accounts.views.contracts.ContractViewSet"),
    }
    lookup, lookup_query = lookups.UID, TypeQuery
    operations = (
        Get(summary="Get a token by uid", sentence=_STATUS),
        Act("block", tokens.block, summary="Block a token by uid", description=_BLOCKED),
        Act("unblock", tokens.unblock, summary="Unblock a token by uid", description=_UNBLOCKED),
    )

    def find(self, *, lock: bool = False) -> Token:
        kind = self.asked().get("type")
        return lookups.token_by_uid(self.kwargs[self.lookup.name], kind, lock=lock)
