"""Access rules over REST. snake_case, as accounts: a rule is about tokens, groups and contracts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services import token_groups
from accounts.views.lookups import contract, token
from chargepoints.views.lookups import number, site, station
from ocpp_server.api import etags
from ocpp_server.api.documents import NUMBER, described, enveloped, listed
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField, WholeField
from ocpp_server.api.lists import ListQuery, ordering, page, search
from ocpp_server.api.views import ApiView, body
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, Missing
from transactions.models import AccessRule
from transactions.services.authorization import access_rules

TAG = "Access rules"
RULE_PATH: dict[str, tuple[Any, str]] = {"rule_id": (NUMBER, "The number of the access rule.")}


class AccessRuleSerializer(ReadSerializer):
    id = serializers.IntegerField()
    token_id = serializers.IntegerField(allow_null=True)
    group_id = serializers.CharField(source="group.group_id", default=None, allow_null=True)
    contract_id = serializers.CharField(source="contract.contract_id", default=None, allow_null=True)
    charge_point_id = serializers.CharField(
        source="charge_point.identity", default=None, allow_null=True, help_text="A station's identity."
    )
    site_id = serializers.IntegerField(allow_null=True)
    effect = serializers.ChoiceField(choices=AccessRule.Effect.values)
    note = serializers.CharField()
    created_at = TimeField()


class AccessRuleChanges(StrictSerializer):
    effect = serializers.ChoiceField(
        choices=AccessRule.Effect.values,
        required=False,
        help_text="allow: only there and at other allowed places. refuse takes precedence over allow.",
    )
    note = TextField(required=False, allow_blank=True, max_length=200)


class AccessRuleBody(AccessRuleChanges):
    token_id = WholeField(required=False, min_value=1)
    group_id = TextField(required=False, max_length=36)
    contract_id = TextField(required=False, max_length=36, help_text="Its id or contract_id.")
    charge_point_id = TextField(required=False, max_length=255, help_text="A station's identity.")
    site_id = WholeField(required=False, min_value=1)


class AccessRuleQuery(ListQuery):
    orderings = {"id": "pk", "created_at": "created_at"}

    ordering = ordering(orderings)
    q = search("In the note.")
    search = search("The same as q.")
    token_id = WholeField(required=False, min_value=1)
    group_id = TextField(required=False, max_length=36, help_text="Case makes no difference.")
    contract_id = TextField(required=False, max_length=36, help_text="Its id or contract_id.")
    charge_point_id = TextField(required=False, max_length=255, help_text="A station's identity.")
    site_id = WholeField(required=False, min_value=1)
    effect = serializers.ChoiceField(choices=AccessRule.Effect.values, required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = dict(self.validated_data)
        if "effect" in asked:
            rows = rows.filter(effect=asked["effect"])
        for name in ("q", "search"):
            if name in asked:
                rows = rows.filter(note__icontains=asked[name])
        try:
            named = _named(asked)
        except Invalid:  # the token, group or station does not exist, so it has no rules
            return rows.none()
        return rows.filter(**named)


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """The subject and the place that a body or a query names. Raises Invalid."""
    look: dict[str, Callable[[Any], tuple[str, Any]]] = {
        "token_id": lambda value: ("token", token(str(value))),
        "group_id": lambda value: ("group", _group(value)),
        "contract_id": lambda value: ("contract", contract(value)),
        "charge_point_id": lambda value: ("charge_point", station(value)),
        "site_id": lambda value: ("site", site(str(value))),
    }
    named = {}
    for name, find in look.items():
        if name in given:
            try:
                kind, row = find(given[name])
            except Missing as missing:
                raise Invalid(missing.sentence, field=name) from None
            named[kind] = row
    return named


def _group(group_id: str) -> Any:
    group = token_groups.find(group_id)
    if group is None:
        raise Missing(f"Token group {group_id} not found.")
    return group


def _rule(rule_id: str, *, lock: bool = False) -> AccessRule:
    rows = AccessRule.objects.select_related("group", "contract", "charge_point")
    row = (rows.select_for_update(of=("self",)) if lock else rows).filter(pk=number(rule_id, "rule")).first()
    if row is None:
        raise Missing(f"Access rule {rule_id} not found.")
    return row


def _shown(rule: AccessRule) -> dict[str, Any]:
    return dict(AccessRuleSerializer(rule).data)


_ONE = enveloped("AccessRule", AccessRuleSerializer)


class AccessRulesView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described(
        "List access rules",
        listed("AccessRules", "access_rules", AccessRuleSerializer),
        tag=TAG,
        query=AccessRuleQuery,
        also=(400,),
        description="Without a rule every valid token may charge everywhere.",
    )
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=AccessRuleQuery,
            rows=AccessRule.objects.select_related("group", "contract", "charge_point").order_by("pk"),
            name="access_rules",
            noun="access rules",
            shape=AccessRuleSerializer,
        )

    @described(
        "Create an access rule",
        _ONE,
        tag=TAG,
        status=201,
        body=AccessRuleBody,
        changes=True,
        also=(400,),
        description="Allows or refuses a place. Exactly one of token_id, group_id, contract_id and one of "
        "charge_point_id, site_id is required.",
    )
    def post(self, request: Request) -> Response:
        given = body(AccessRuleBody, request)
        settings = {name: given[name] for name in ("effect", "note") if name in given}
        rule = access_rules.create(**settings, **_named(given))
        return etags.tagged(f"Access rule created: {rule}.", _shown(rule), status=201)


class AccessRuleView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described("Get an access rule", _ONE, tag=TAG, path=RULE_PATH, tagged=True)
    def get(self, request: Request, rule_id: str) -> Response:
        rule = _rule(rule_id)
        return etags.tagged(f"Access rule {rule}.", _shown(rule))

    @described(
        "Change the effect or note of an access rule",
        _ONE,
        tag=TAG,
        path=RULE_PATH,
        body=AccessRuleChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="Subject and place can't be changed: create another rule instead.",
    )
    def patch(self, request: Request, rule_id: str) -> Response:
        with etags.guarded(request, _shown, _rule, rule_id) as row:
            rule = access_rules.update(row, **body(AccessRuleChanges, request))
        return etags.tagged(f"Access rule changed: {rule}.", _shown(rule))

    @described("Delete an access rule", _ONE, tag=TAG, path=RULE_PATH, changes=True, guarded=True)
    def delete(self, request: Request, rule_id: str) -> Response:
        with etags.guarded(request, _shown, _rule, rule_id) as rule:
            shown, words = _shown(rule), str(rule)
            access_rules.delete(rule)
        return etags.tagged(f"Access rule deleted: {words}.", shown)
