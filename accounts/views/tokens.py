"""Tokens. A token is never deleted: it becomes invalid."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import TokenQuery
from accounts.models import Token, User
from accounts.serializers import NothingBody, TokenBody, TokenChanges, TokenSerializer
from accounts.services import tokens
from accounts.views import found
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.lists import page, query
from ocpp_server.api.views import ApiView, body

TAG = "Tokens"
_ONE = enveloped("Token", TokenSerializer)


class TypeQuery(StrictSerializer):
    type = serializers.ChoiceField(
        choices=Token.Type.values, required=False, help_text="Where several types share the uid."
    )


def _shown(token: Token) -> dict[str, Any]:
    return dict(TokenSerializer(token).data)


def resolved(given: dict[str, Any]) -> dict[str, Any]:
    """A body whose user and contract are rows. Raises Invalid."""
    if "user_id" in given:
        number = given.pop("user_id")
        given["user"] = None if number is None else found.named_user(number, "user_id")
    if "contract_id" in given:
        given["contract"] = found.named_contract(given.pop("contract_id"))
    return given


class TokensView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Tokens", listed("Tokens", "tokens", TokenSerializer), tag=TAG, query=TokenQuery, also=(400,))
    def get(self, request: Request) -> Response:
        rows = Token.objects.select_related("contract").order_by("pk")
        return page(request, kind=TokenQuery, rows=rows, name="tokens", noun="tokens", shape=TokenSerializer)

    @described("Add a token", _ONE, tag=TAG, status=201, body=TokenBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        added = tokens.create(**resolved(body(TokenBody, request)))
        return etags.tagged(f"The token {added.uid} is added.", _shown(added), status=201)


class TokenView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("One token", _ONE, tag=TAG, path=found.TOKEN_PATH, also=(400,), tagged=True)
    def get(self, request: Request, token_id: str) -> Response:
        token = found.token(token_id)
        return etags.tagged(f"The token {token.uid} is {token.status}.", _shown(token))

    @described(
        "Change a token",
        _ONE,
        tag=TAG,
        path=found.TOKEN_PATH,
        body=TokenChanges,
        changes=True,
        guarded=True,
        also=(400,),
    )
    def patch(self, request: Request, token_id: str) -> Response:
        with etags.guarded(request, _shown, found.token, token_id) as row:
            token = tokens.update(row, **resolved(body(TokenChanges, request)))
        return etags.tagged(f"The token {token.uid} is changed.", _shown(token))

    @described(
        "Make a token invalid",
        _ONE,
        tag=TAG,
        path=found.TOKEN_PATH,
        changes=True,
        guarded=True,
        also=(400,),
        description="Tokens are not deleted: their sessions name them.",
    )
    def delete(self, request: Request, token_id: str) -> Response:
        with etags.guarded(request, _shown, found.token, token_id) as row:
            token = tokens.invalidate(row)
        return etags.tagged(f"The token {token.uid} is invalid.", _shown(token))


class BlockView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Block a token",
        _ONE,
        tag=TAG,
        path=found.TOKEN_PATH,
        body=NothingBody,
        changes=True,
        guarded=True,
        also=(400,),
    )
    def post(self, request: Request, token_id: str) -> Response:
        body(NothingBody, request)
        with etags.guarded(request, _shown, found.token, token_id) as token:
            tokens.block(token)
        return etags.tagged(f"The token {token.uid} is blocked.", _shown(token))


class UnblockView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Let a blocked token charge again",
        _ONE,
        tag=TAG,
        path=found.TOKEN_PATH,
        body=NothingBody,
        changes=True,
        guarded=True,
        also=(400,),
        description="A token that is lost, expired or invalid stays so: 409.",
    )
    def post(self, request: Request, token_id: str) -> Response:
        body(NothingBody, request)
        with etags.guarded(request, _shown, found.token, token_id) as token:
            tokens.unblock(token)
        return etags.tagged(f"The token {token.uid} is active.", _shown(token))


class TokenByUidView(ApiView):
    @described(
        "The token with this uid",
        _ONE,
        tag=TAG,
        path=found.UID_PATH,
        query=TypeQuery,
        also=(400,),
        tagged=True,
    )
    def get(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        token = found.token_by_uid(uid, asked.get("type"))
        return etags.tagged(f"The token {token.uid} is {token.status}.", _shown(token))


class BlockByUidView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Block the token with this uid",
        _ONE,
        tag=TAG,
        path=found.UID_PATH,
        query=TypeQuery,
        body=NothingBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        body(NothingBody, request)
        with transaction.atomic():
            token = tokens.block(found.token_by_uid(uid, asked.get("type"), lock=True))
        return etags.tagged(f"The token {token.uid} is blocked.", _shown(token))


class UnblockByUidView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Let the blocked token with this uid charge again",
        _ONE,
        tag=TAG,
        path=found.UID_PATH,
        query=TypeQuery,
        body=NothingBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        body(NothingBody, request)
        with transaction.atomic():
            token = tokens.unblock(found.token_by_uid(uid, asked.get("type"), lock=True))
        return etags.tagged(f"The token {token.uid} is active.", _shown(token))
