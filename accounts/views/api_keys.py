"""API keys of other systems, for administrators. A key is shown once, in the answer that made it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from rest_framework.response import Response

from accounts.filters import ApiKeyQuery, ApiKeyRequestQuery
from accounts.models import ApiKey, ApiKeyRequest, User
from accounts.serializers import (
    ApiKeyBody,
    ApiKeyChanges,
    ApiKeyRequestSerializer,
    ApiKeySerializer,
    RollBody,
)
from accounts.services import api_keys
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for

TAG = "API keys"
_ADMINISTRATOR = role_for(Right.LOGINS)


def api_key(text: str, *, lock: bool = False) -> ApiKey:
    """The API key of this number. Raises Invalid for a bad number, Missing."""
    return by_number(ApiKey.objects.all(), text, noun="API key", field="key_id", lock=lock)


KEY = Lookup("key_id", "The number of the API key.", find=api_key)


class ApiKeyViewSet(ResourceViewSet):
    """Its use changes a key, so it has no ETag."""

    tag, noun, component, has_etag = TAG, "API key", "ApiKey", False
    key = "api_keys"
    label = "API key {row.name}"
    read_role = write_role = _ADMINISTRATOR
    queryset = ApiKey.objects.order_by("pk")
    serializer_class = ApiKeySerializer
    lookup = KEY
    operations = (
        List(ApiKeyQuery),
        Get(),
        Create(
            ApiKeyBody,
            api_keys.add,
            passes_actor=True,
            also=(422,),
            description="The answer has the key itself in `key`, which is stored nowhere: keep it. A key "
            "with scopes can make only keys with scopes of its own (422).",
        ),
        Change(
            ApiKeyChanges,
            api_keys.change,
            description="Name and expiry. Other rights need another key.",
        ),
        Delete(
            api_keys.revoke,
            word="revoke",
            description="Requests with it are refused from now on. The row is kept.",
        ),
        Act(
            "roll",
            api_keys.roll,
            RollBody,
            passes_actor=True,
            sentence="API key {row.name} rolled. The one before stays valid for the overlap.",
            also=(422,),
            description="Makes another key with the same rights, and shows it once in `key`. The one before "
            "stays valid for `overlap` seconds (a day unless given), so that the callers can change over.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.action == "partial_update":
            return given
        if "overlap" in given:
            given["overlap"] = timedelta(seconds=given["overlap"])
        user: Any = self.request.user
        made_by = user if isinstance(user, User) else None
        return {**given, "granted": getattr(user, "scopes", None), "created_by": made_by}

    def respond(self, sentence: str, shown: dict[str, Any], *, made: Any = None) -> Response:
        response = super().respond(sentence, shown, made=made)
        if "key" in shown:
            response.shown_once = frozenset({"key"})  # type: ignore[attr-defined]  # read by `api.idempotency`
        return response


class ApiKeyRequestViewSet(ResourceViewSet):
    tag, noun, component, has_etag = TAG, "request", "ApiKeyRequest", False
    read_role = write_role = _ADMINISTRATOR
    serializer_class = ApiKeyRequestSerializer
    parent = KEY
    operations = (
        List(
            ApiKeyRequestQuery,
            summary="List the requests of an API key, newest first",
            description="Without their queries, which may have tokens. The newest 1,000 of each key are "
            "kept, at most 30 days; they appear here within seconds.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return ApiKeyRequest.objects.filter(key=self.parent_row()).order_by("-pk")
