"""Tokens over REST. A token is never deleted: PATCH its `valid` or its `status`."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import TokenQuery
from accounts.models import Token, User
from accounts.serializers import TokenBody, TokenChanges, TokenSerializer
from accounts.services import tokens
from ocpp_server.api.documents import NUMBER, described, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import MAX_INT
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body
from ocpp_server.domain import Invalid, Missing

TAG = "Tokens"
_PATH: dict[str, tuple[Any, str]] = {"token_id": (NUMBER, "The number that we gave it.")}
_ONE = enveloped("Token", TokenSerializer)


def token(text: str) -> Token:
    """The token of this number. Raises Invalid for a bad number, Missing."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= MAX_INT:
        raise Invalid(f"{text!r} is not a token's number.", field="id")
    found = Token.objects.filter(pk=int(text)).first()
    if found is None:
        raise Missing(f"There is no token {text}.")
    return found


class TokensView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Tokens", listed("Tokens", "tokens", TokenSerializer), tag=TAG, query=TokenQuery, also=(400,))
    def get(self, request: Request) -> Response:
        rows = Token.objects.order_by("pk")
        return page(request, kind=TokenQuery, rows=rows, name="tokens", noun="tokens", shape=TokenSerializer)

    @described("Add a token", _ONE, tag=TAG, status=201, body=TokenBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        added = tokens.create(**body(TokenBody, request))
        return answer(f"The token {added.uid} is added.", TokenSerializer(added).data, status=201)


class TokenView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("One token", _ONE, tag=TAG, path=_PATH, also=(400,))
    def get(self, request: Request, token_id: str) -> Response:
        found = token(token_id)
        return answer(f"The token {found.uid} is {found.status}.", TokenSerializer(found).data)

    @described("Change a token", _ONE, tag=TAG, path=_PATH, body=TokenChanges, changes=True, also=(400,))
    def patch(self, request: Request, token_id: str) -> Response:
        changed = tokens.update(token(token_id), **body(TokenChanges, request))
        return answer(f"The token {changed.uid} is changed.", TokenSerializer(changed).data)
