"""Linked means of one contract: start with one, stop with another."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import TokenGroupQuery
from accounts.models import Token, TokenGroup, User
from accounts.serializers import TokenGroupBody, TokenGroupChanges, TokenGroupSerializer
from accounts.services import token_groups
from accounts.views import found
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body

TAG = "Token groups"
_ONE = enveloped("TokenGroup", TokenGroupSerializer)


def _tokens_of(groups: list[TokenGroup]) -> dict[str, list[int]]:
    """The numbers of the tokens of each group, in one query."""
    contracts = {group.contract_id for group in groups}
    wanted = {group.group_key for group in groups}
    numbers: dict[str, list[int]] = {}
    rows = Token.objects.filter(contract_id__in=contracts).exclude(group_id="").order_by("pk")
    for pk, group_id in rows.values_list("pk", "group_id"):
        if (key := group_id.casefold()) in wanted:
            numbers.setdefault(key, []).append(pk)
    return numbers


def _shown(group: TokenGroup) -> dict[str, Any]:
    return dict(TokenGroupSerializer(group, context={"prepared": _tokens_of([group])}).data)


class TokenGroupsView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Token groups",
        listed("TokenGroups", "token_groups", TokenGroupSerializer),
        tag=TAG,
        query=TokenGroupQuery,
        also=(400,),
    )
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=TokenGroupQuery,
            rows=TokenGroup.objects.select_related("contract").order_by("pk"),
            name="token_groups",
            noun="token groups",
            shape=TokenGroupSerializer,
            prepare=_tokens_of,
        )

    @described(
        "Link the means of a contract",
        _ONE,
        tag=TAG,
        status=201,
        body=TokenGroupBody,
        changes=True,
        also=(400,),
        description="Without a group_id it gets one of its own. Tokens join by their group_id.",
    )
    def post(self, request: Request) -> Response:
        given = body(TokenGroupBody, request)
        contract = found.named_contract(given.pop("contract_id"))
        assert contract is not None
        group = token_groups.create(contract=contract, **given)
        return etags.tagged(f"The group {group.group_id} is made.", _shown(group), status=201)


class TokenGroupView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("One token group", _ONE, tag=TAG, path=found.GROUP_PATH, tagged=True)
    def get(self, request: Request, group_id: str) -> Response:
        group = found.group(group_id)
        return etags.tagged(f"The group {group.group_id}.", _shown(group))

    @described(
        "Rename a token group",
        _ONE,
        tag=TAG,
        path=found.GROUP_PATH,
        body=TokenGroupChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="Its tokens get the new group_id.",
    )
    def patch(self, request: Request, group_id: str) -> Response:
        with etags.guarded(request, _shown, found.group, group_id) as row:
            group = token_groups.update(row, **body(TokenGroupChanges, request))
        return etags.tagged(f"The group {group.group_id} is changed.", _shown(group))

    @described(
        "Dissolve a token group",
        _ONE,
        tag=TAG,
        path=found.GROUP_PATH,
        changes=True,
        guarded=True,
        description="Its tokens stay, each for itself.",
    )
    def delete(self, request: Request, group_id: str) -> Response:
        with etags.guarded(request, _shown, found.group, group_id) as group:
            shown = _shown(group)
            token_groups.dissolve(group)
        return etags.tagged(f"The group {group.group_id} is dissolved.", shown)
