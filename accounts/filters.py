"""Query parameters of the accounts lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import serializers

from accounts.models import ApiKey, AuditEntry, Contract, Member, Token, User
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search


class UserQuery(ChangedQuery):
    orderings = {
        "id": "pk",
        "name": "name",
        "email": "email",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    exact = {"status": "status", "email": "email__iexact"}

    ordering = ordering(orderings)
    q = search("Search in name, email and phone.")
    search = search("Same as q.")
    status = serializers.ChoiceField(choices=User.Status.values, required=False)
    email = TextField(required=False, max_length=254, help_text="Case-insensitive.")

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(email__icontains=text) | Q(phone__icontains=text)


class ContractQuery(ChangedQuery):
    orderings = {
        "id": "pk",
        "contract_id": "contract_key",
        "name": "name",
        "valid_until": "valid_until",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
    exact = ("status", "type", "country_code", "party_id")

    ordering = ordering(orderings)
    q = search("Search in contract_id and name.")
    search = search("Same as q.")
    status = serializers.ChoiceField(choices=Contract.Status.values, required=False)
    type = serializers.ChoiceField(choices=Contract.Type.values, required=False)
    contract_id = TextField(required=False, max_length=36, help_text="Case and separators are ignored.")
    country_code = TextField(required=False, max_length=2)
    party_id = TextField(required=False, max_length=3)
    owner = WholeField(required=False, min_value=1, help_text="The owner's user id.")
    user_id = WholeField(required=False, min_value=1, help_text="A member's user id.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        asked = self.validated_data
        if "contract_id" in asked:
            rows = rows.filter(contract_key=contract_key(asked["contract_id"]))
        if "owner" in asked:
            owned = Member.objects.filter(user_id=asked["owner"], role=Member.Role.OWNER)
            rows = rows.filter(pk__in=owned.values("contract_id"))
        if "user_id" in asked:
            part = Member.objects.filter(user_id=asked["user_id"]).present()
            rows = rows.filter(pk__in=part.values("contract_id"))
        return rows

    def containing(self, text: str) -> Q:
        return Q(contract_key__contains=text.strip().casefold()) | Q(name__icontains=text)


class TokenFilters(ChangedQuery):
    exact = (
        "type",
        "status",
        "valid",
        "group_id",
        "user_id",
        "is_master",
        "whitelist",
        "country_code",
        "party_id",
    )

    q = search("Search in uid, name, visual number and group.")
    search = search("Same as q.")
    uid = TextField(required=False, max_length=255, help_text="Case-insensitive.")
    type = serializers.ChoiceField(choices=Token.Type.values, required=False)
    status = serializers.ChoiceField(choices=Token.Status.values, required=False)
    valid = FlagField(required=False)
    group_id = TextField(required=False, max_length=36)
    user_id = WholeField(required=False, min_value=1)
    contract_id = TextField(required=False, max_length=36, help_text="The contract_id of a contract.")
    is_master = FlagField(required=False)
    whitelist = serializers.ChoiceField(choices=Token.Whitelist.values, required=False)
    country_code = TextField(required=False, max_length=2)
    party_id = TextField(required=False, max_length=3)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        asked = self.validated_data
        if "uid" in asked:
            rows = rows.filter(uid_key=normalise_uid(asked["uid"]))
        if "contract_id" in asked:
            rows = rows.filter(contract__contract_key=contract_key(asked["contract_id"]))
        return rows

    def containing(self, text: str) -> Q:
        return (
            Q(uid_key__contains=normalise_uid(text))
            | Q(uid__icontains=text)
            | Q(name__icontains=text)
            | Q(visual_number__icontains=text)
            | Q(group_id__icontains=text)
        )


class TokenQuery(TokenFilters):
    orderings = {"id": "pk", "uid": "uid_key", "created_at": "created_at", "updated_at": "updated_at"}

    ordering = ordering(orderings)


class TokenGroupQuery(ChangedQuery):
    orderings = {"id": "pk", "group_id": "group_key", "name": "name", "updated_at": "updated_at"}

    ordering = ordering(orderings)
    q = search("Search in group_id and name.")
    search = search("Same as q.")
    contract_id = TextField(required=False, max_length=36, help_text="The contract_id of a contract.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        if "contract_id" in self.validated_data:
            key = contract_key(self.validated_data["contract_id"])
            rows = rows.filter(contract__contract_key=key)
        return rows

    def containing(self, text: str) -> Q:
        return Q(group_key__contains=text.strip().casefold()) | Q(name__icontains=text)


class ApiKeyQuery(ListQuery):
    orderings = {"id": "pk", "name": "name", "created_at": "created_at"}
    exact = ("role",)

    ordering = ordering(orderings)
    search = search("A part of the name.")
    role = serializers.ChoiceField(choices=User.Role.values, required=False)
    usable = FlagField(required=False, help_text="Neither revoked nor expired.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        if "usable" not in self.validated_data:
            return rows
        usable = ApiKey.objects.usable()
        return rows.filter(pk__in=usable) if self.validated_data["usable"] else rows.exclude(pk__in=usable)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text)


# The most days of the audit log that a filter without an index may read.
MOST_AUDIT_DAYS: Final = 92
_OF_PERIOD: Final = f"Only with `from`, for at most {MOST_AUDIT_DAYS} days."


class AuditQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = ("actor", "door", "action", "status")
    moment = "at"

    ordering = ordering(orderings)
    search = search(f"A part of the path, such as /users/17/. {_OF_PERIOD}")
    actor = TextField(required=False, max_length=150, help_text="Complete, such as `key billing`.")
    door = serializers.ChoiceField(choices=AuditEntry.Door.values, required=False, help_text=_OF_PERIOD)
    action = TextField(required=False, max_length=128, help_text="Complete, such as `eraseUser`.")
    status = WholeField(required=False, min_value=100, max_value=599, help_text=_OF_PERIOD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The log has a year of rows, and `at` an index: filters without an index need a period."""
        attrs = super().validate(attrs)
        names = [name for name in ("search", "door", "status") if name in attrs]
        if not names:
            return attrs
        reason = f"{' and '.join(names)} need a period of at most {MOST_AUDIT_DAYS} days: give from, and to."
        if "from" not in attrs:
            raise serializers.ValidationError({"from": [reason]})
        if (attrs.get("to") or timezone.now()) - attrs["from"] > timedelta(days=MOST_AUDIT_DAYS):
            raise serializers.ValidationError({"to" if "to" in attrs else "from": [reason]})
        return attrs

    def containing(self, text: str) -> Q:
        return Q(path__icontains=text)


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class ApiKeyRequestQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = ("method", "status")
    moment = "at"

    ordering = ordering(orderings)
    method = serializers.ChoiceField(choices=_METHODS, required=False)
    status = WholeField(required=False, min_value=100, max_value=599)


class UnknownTokenQuery(ListQuery):
    """`from` and `to` compare the last time that a station presented the token."""

    orderings = {"last_seen_at": "last_seen_at"}
    exact = ("is_ignored",)
    moment = "last_seen_at"

    ordering = ordering(orderings)
    q = search("The beginning of the uid.")
    search = search("Same as q.")
    uid = TextField(required=False, max_length=255, help_text="Case-insensitive.")
    is_ignored = FlagField(required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, uid = super().filtered(rows), self.validated_data.get("uid")
        return rows if uid is None else rows.filter(uid_key=normalise_uid(uid))

    def containing(self, text: str) -> Q:
        return Q(uid_key__startswith=normalise_uid(text))
