"""Unknown tokens over REST: presented at a station, and not added yet."""

from __future__ import annotations

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import UnknownTokenQuery
from accounts.models import UnknownToken
from accounts.serializers import AddUnknownBody, TokenSerializer, UnknownTokenSerializer
from accounts.services import unknown_tokens
from accounts.views.tokens import resolved
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.rights import Right, role_for

TAG = "Tokens"


class UnknownTokenViewSet(ResourceViewSet):
    """A further presentation counts in the row, so an unknown token has no ETag."""

    tag, noun, has_etag = TAG, "unknown token", False
    personal = ("uid",)
    write_role = role_for(Right.TOKENS)
    queryset = UnknownToken.objects.order_by("-last_seen_at", "-pk")
    serializer_class = UnknownTokenSerializer
    lookup = Lookup("unknown_token_id", "The number of the unknown token.")
    operations = (
        List(
            UnknownTokenQuery,
            summary="List unknown tokens, the last seen first",
            description="Each was presented at a station, refused, and is no token yet. At most 10,000 are "
            "kept. A caller that is limited to sites may not read them: an unknown token belongs to no site.",
        ),
        Get(),
        Act(
            "ignore",
            unknown_tokens.ignore,
            summary="Take an unknown token off the dashboard",
            description="It stays refused, and in this list.",
        ),
    )

    def prepare(self, rows: list[Any]) -> Any:
        return unknown_tokens.with_reversed_bytes(rows)

    @described(
        "Add an unknown token",
        enveloped("Token", TokenSerializer),
        tag=TAG,
        path=lookup.path,
        status=201,
        body=AddUnknownBody,
        changes=True,
        located=True,
        description="The answer has the new token and its `Location`. It can charge at once, and is no "
        "unknown token any more. 409 when a token of this uid and type exists by now.",
    )
    @action(detail=True, methods=["post"], url_path="add")
    def add_token(self, request: Request, **path: str) -> Response:
        given = resolved(body(AddUnknownBody, request))
        token = unknown_tokens.add(self.find(), **given)
        return answer(
            f"Token {token} added. It can charge now.",
            TokenSerializer(token).data,
            status=201,
            headers={"Location": f"/api/v1/tokens/{token.pk}"},
        )
