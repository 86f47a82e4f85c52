"""Tokens: list, create, change, block, unblock. DELETE invalidates a token; its row is kept."""

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
from accounts.views import lookups
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.fields import StrictSerializer
from ocpp_server.api.lists import page, query
from ocpp_server.api.views import ApiView, body

TAG = "Tokens"
_ONE = enveloped("Token", TokenSerializer)


class TypeQuery(StrictSerializer):
    type = serializers.ChoiceField(
        choices=Token.Type.values,
        required=False,
        help_text="Needed when tokens of several types share the uid.",
    )


def _serialized(token: Token) -> dict[str, Any]:
    return dict(TokenSerializer(token).data)


def resolved(given: dict[str, Any]) -> dict[str, Any]:
    """Replace the user and contract ids of a body by their rows. Raises Invalid."""
    if "user_id" in given:
        number = given.pop("user_id")
        given["user"] = None if number is None else lookups.named_user(number, "user_id")
    if "contract_id" in given:
        given["contract"] = lookups.named_contract(given.pop("contract_id"))
    return given


class TokensView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "List tokens", listed("Tokens", "tokens", TokenSerializer), tag=TAG, query=TokenQuery, also=(400,)
    )
    def get(self, request: Request) -> Response:
        rows = Token.objects.select_related("contract").order_by("pk")
        return page(request, kind=TokenQuery, rows=rows, name="tokens", noun="tokens", shape=TokenSerializer)

    @described("Create a token", _ONE, tag=TAG, status=201, body=TokenBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        added = tokens.create(**resolved(body(TokenBody, request)))
        return etags.tagged(f"Token {added.uid} created.", _serialized(added), status=201)


class TokenView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Get a token", _ONE, tag=TAG, path=lookups.TOKEN_PATH, also=(400,), tagged=True)
    def get(self, request: Request, token_id: str) -> Response:
        token = lookups.token(token_id)
        return etags.tagged(f"Token {token.uid} is {token.status}.", _serialized(token))

    @described(
        "Update a token",
        _ONE,
        tag=TAG,
        path=lookups.TOKEN_PATH,
        body=TokenChanges,
        changes=True,
        guarded=True,
        also=(400,),
    )
    def patch(self, request: Request, token_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.token, token_id) as row:
            token = tokens.update(row, **resolved(body(TokenChanges, request)))
        return etags.tagged(f"Token {token.uid} updated.", _serialized(token))

    @described(
        "Invalidate a token",
        _ONE,
        tag=TAG,
        path=lookups.TOKEN_PATH,
        changes=True,
        guarded=True,
        also=(400,),
        description="The row is kept: sessions refer to it.",
    )
    def delete(self, request: Request, token_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.token, token_id) as row:
            token = tokens.invalidate(row)
        return etags.tagged(f"Token {token.uid} invalidated.", _serialized(token))


class BlockView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Block a token",
        _ONE,
        tag=TAG,
        path=lookups.TOKEN_PATH,
        body=NothingBody,
        changes=True,
        guarded=True,
        also=(400,),
    )
    def post(self, request: Request, token_id: str) -> Response:
        body(NothingBody, request)
        with etags.guarded(request, _serialized, lookups.token, token_id) as token:
            tokens.block(token)
        return etags.tagged(f"Token {token.uid} blocked.", _serialized(token))


class UnblockView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Unblock a token",
        _ONE,
        tag=TAG,
        path=lookups.TOKEN_PATH,
        body=NothingBody,
        changes=True,
        guarded=True,
        also=(400,),
        description="A lost, expired or invalid token cannot be unblocked: 409.",
    )
    def post(self, request: Request, token_id: str) -> Response:
        body(NothingBody, request)
        with etags.guarded(request, _serialized, lookups.token, token_id) as token:
            tokens.unblock(token)
        return etags.tagged(f"Token {token.uid} unblocked.", _serialized(token))


class TokenByUidView(ApiView):
    @described(
        "Get a token by uid",
        _ONE,
        tag=TAG,
        path=lookups.UID_PATH,
        query=TypeQuery,
        also=(400,),
        tagged=True,
    )
    def get(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        token = lookups.token_by_uid(uid, asked.get("type"))
        return etags.tagged(f"Token {token.uid} is {token.status}.", _serialized(token))


class BlockByUidView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Block a token by uid",
        _ONE,
        tag=TAG,
        path=lookups.UID_PATH,
        query=TypeQuery,
        body=NothingBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        body(NothingBody, request)
        with transaction.atomic():
            token = tokens.block(lookups.token_by_uid(uid, asked.get("type"), lock=True))
        return etags.tagged(f"Token {token.uid} blocked.", _serialized(token))


class UnblockByUidView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Unblock a token by uid",
        _ONE,
        tag=TAG,
        path=lookups.UID_PATH,
        query=TypeQuery,
        body=NothingBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, uid: str) -> Response:
        asked = query(TypeQuery, request).validated_data
        body(NothingBody, request)
        with transaction.atomic():
            token = tokens.unblock(lookups.token_by_uid(uid, asked.get("type"), lock=True))
        return etags.tagged(f"Token {token.uid} unblocked.", _serialized(token))
