"""What the list of tokens can be asked for."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.models import Token
from accounts.models.token import normalise_uid
from ocpp_server.api.fields import FlagField, TextField, TimeField
from ocpp_server.api.lists import ListQuery, ordering, search


class TokenQuery(ListQuery):
    orderings = {"id": "pk", "uid": "uid_key", "created_at": "created_at", "updated_at": "updated_at"}

    ordering = ordering(orderings)
    q = search("In uid, name or group.")
    search = search("The same as q.")
    uid = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    type = serializers.ChoiceField(choices=Token.Type.values, required=False)
    status = serializers.ChoiceField(choices=Token.Status.values, required=False)
    valid = FlagField(required=False)
    group_id = TextField(required=False, max_length=36)
    updated_from = TimeField(required=False)
    updated_to = TimeField(required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.validated_data
        exact = ("type", "status", "valid", "group_id")
        rows = rows.filter(**{name: asked[name] for name in exact if name in asked})
        if "uid" in asked:
            rows = rows.filter(uid_key=normalise_uid(asked["uid"]))
        if "updated_from" in asked:
            rows = rows.filter(updated_at__gte=asked["updated_from"])
        if "updated_to" in asked:
            rows = rows.filter(updated_at__lt=asked["updated_to"])
        for name in ("q", "search"):
            if name in asked:
                text = asked[name]
                rows = rows.filter(
                    Q(uid_key__contains=normalise_uid(text))
                    | Q(name__icontains=text)
                    | Q(group_id__icontains=text)
                )
        return rows
