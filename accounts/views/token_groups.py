"""Token groups: a session started with one token of a group may be stopped with another."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import TokenGroupQuery
from accounts.models import Token, TokenGroup, User
from accounts.serializers import TokenGroupBody, TokenGroupChanges, TokenGroupSerializer
from accounts.services import token_groups
from accounts.views import lookups
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body

TAG = "Token groups"
_ONE = enveloped("TokenGroup", TokenGroupSerializer)


def _tokens_of(groups: list[TokenGroup]) -> dict[str, list[int]]:
    """Return the ids of each group's tokens, in one query."""
    contracts = {group.contract_id for group in groups}
    wanted = {group.group_key for group in groups}
    numbers: dict[str, list[int]] = {}
    rows = Token.objects.filter(contract_id__in=contracts).exclude(group_id="").order_by("pk")
    for pk, group_id in rows.values_list("pk", "group_id"):
        if (key := group_id.casefold()) in wanted:
            numbers.setdefault(key, []).append(pk)
    return numbers


def _serialized(group: TokenGroup) -> dict[str, Any]:
    return dict(TokenGroupSerializer(group, context={"prepared": _tokens_of([group])}).data)


class TokenGroupsView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "List token groups",
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
        "Create a token group",
        _ONE,
        tag=TAG,
        status=201,
        body=TokenGroupBody,
        changes=True,
        also=(400,),
        description="An empty group_id is generated. A token joins the group by its own group_id.",
    )
    def post(self, request: Request) -> Response:
        given = body(TokenGroupBody, request)
        contract = lookups.named_contract(given.pop("contract_id"))
        assert contract is not None
        group = token_groups.create(contract=contract, **given)
        return etags.tagged(f"Token group {group.group_id} created.", _serialized(group), status=201)


class TokenGroupView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Get a token group", _ONE, tag=TAG, path=lookups.GROUP_PATH, tagged=True)
    def get(self, request: Request, group_id: str) -> Response:
        group = lookups.group(group_id)
        return etags.tagged(f"Token group {group.group_id}.", _serialized(group))

    @described(
        "Update a token group",
        _ONE,
        tag=TAG,
        path=lookups.GROUP_PATH,
        body=TokenGroupChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="The group's tokens get the new group_id.",
    )
    def patch(self, request: Request, group_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.group, group_id) as row:
            group = token_groups.update(row, **body(TokenGroupChanges, request))
        return etags.tagged(f"Token group {group.group_id} updated.", _serialized(group))

    @described(
        "Delete a token group",
        _ONE,
        tag=TAG,
        path=lookups.GROUP_PATH,
        changes=True,
        guarded=True,
        description="The group's tokens are kept, without a group_id.",
    )
    def delete(self, request: Request, group_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.group, group_id) as group:
            deleted = _serialized(group)
            token_groups.delete(group)
        return etags.tagged(f"Token group {group.group_id} deleted.", deleted)
