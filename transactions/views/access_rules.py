"""Access rules over REST. snake_case, as accounts: a rule is about tokens, groups and contracts."""

from __future__ import annotations

from typing import Any

from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for
from transactions.filters import AccessRuleQuery
from transactions.models import AccessRule
from transactions.serializers import AccessRuleBody, AccessRuleChanges, AccessRuleSerializer
from transactions.services.authorization import access_rules
from transactions.views.lookups import RULE, subject_and_place


class AccessRuleViewSet(ResourceViewSet):
    tag, noun = "Access rules", "access rule"
    personal = ("idTag",)
    write_role = role_for(Right.CONTRACTS)
    queryset = AccessRule.objects.select_related("group", "contract", "charge_point").order_by("pk")
    serializer_class = AccessRuleSerializer
    deletions = AccessRule
    expansions = {
        "token": Expansion("token", "accounts.views.tokens.TokenViewSet"),
        "group": Expansion("group", "accounts.views.token_groups.TokenGroupViewSet"),
        "contract": Expansion("contract", "accounts.views.contracts.ContractViewSet"),
        "charge_point": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "site": Expansion("site", "chargepoints.views.sites.SiteViewSet"),
    }
    lookup = RULE
    operations = (
        List(AccessRuleQuery, description="Without a rule every valid token may charge everywhere."),
        Get(),
        Create(
            AccessRuleBody,
            access_rules.create,
            sentence="Access rule created: {row}.",
            description="Allows or refuses a place. Exactly one of token_id, group_id, contract_id and one "
            "of charge_point_id, site_id is required.",
        ),
        Change(
            AccessRuleChanges,
            access_rules.update,
            summary="Change the effect or note of an access rule",
            sentence="Access rule changed: {row}.",
            description="Subject and place can't be changed: create another rule instead.",
        ),
        Delete(access_rules.delete, sentence="Access rule deleted: {row}."),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        settings = {name: given[name] for name in ("effect", "note") if name in given}
        return settings | subject_and_place(given)
