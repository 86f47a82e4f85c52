"""Token groups: a session started with one token of a group may be stopped with another."""

from __future__ import annotations

from typing import Any

from accounts.filters import TokenGroupQuery
from accounts.models import Token, TokenGroup
from accounts.serializers import TokenGroupBody, TokenGroupChanges, TokenGroupSerializer
from accounts.services import token_groups
from accounts.views import lookups
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for


class TokenGroupViewSet(ResourceViewSet):
    tag, noun, label = "Token groups", "token group", "Token group {row.group_id}"
    personal = ("name",)
    write_role = role_for(Right.CONTRACTS)
    queryset = TokenGroup.objects.select_related("contract").order_by("pk")
    serializer_class = TokenGroupSerializer
    deletions = TokenGroup
    expansions = {
        "contract": Expansion("contract", "accounts.views.contracts.ContractViewSet"),
    }
    lookup = lookups.GROUP
    operations = (
        List(TokenGroupQuery),
        Get(),
        Create(
            TokenGroupBody,
            token_groups.create,
            description="An empty group_id is generated. A token joins the group by its own group_id.",
        ),
        Change(
            TokenGroupChanges,
            token_groups.update,
            word="update",
            description="The group's tokens get the new group_id.",
        ),
        Delete(token_groups.delete, description="The group's tokens are kept, without a group_id."),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "contract_id" in given:
            given["contract"] = lookups.named_contract(given.pop("contract_id"))
        return given

    def prepare(self, rows: list[TokenGroup]) -> dict[str, list[int]]:
        """The ids of each group's tokens, in one query."""
        wanted = {group.group_key for group in rows}
        numbers: dict[str, list[int]] = {}
        tokens = Token.objects.filter(contract_id__in={group.contract_id for group in rows})
        for pk, group_id in tokens.exclude(group_id="").order_by("pk").values_list("pk", "group_id"):
            if (key := group_id.casefold()) in wanted:
                numbers.setdefault(key, []).append(pk)
        return numbers
