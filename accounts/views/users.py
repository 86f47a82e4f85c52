"""People who charge, with their contracts and tokens."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.filters import ContractQuery, TokenQuery, UserQuery
from accounts.models import Contract, Member, Token, User
from accounts.serializers import ContractSerializer, TokenSerializer, UserBody, UserChanges, UserSerializer
from accounts.services import people
from accounts.views import lookups
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for

_OWNER = "The owner of an active contract cannot be closed: 422."


class UserViewSet(ResourceViewSet):
    tag, noun = "Users", "user"
    personal = ("name",)
    write_role = role_for(Right.PEOPLE)
    queryset = User.objects.people().order_by("pk")
    serializer_class = UserSerializer
    deletions = User
    lookup = lookups.USER
    operations = (
        List(UserQuery),
        Get(sentence="User {row} is {row.status}."),
        Create(UserBody, people.create),
        Change(UserChanges, people.update, word="update", also=(422,), description=_OWNER),
        Delete(people.close, word="close", also=(422,), description=f"The row is kept. {_OWNER}"),
    )


class UserContractViewSet(ResourceViewSet):
    tag, noun, component = "Users", "contract", "UserContract"
    personal = ("name",)
    serializer_class = ContractSerializer
    parent = lookups.USER
    operations = (List(ContractQuery, summary="List a user's contracts"),)

    def get_queryset(self) -> QuerySet[Any]:
        parts = Member.objects.filter(user=self.parent_row()).present()
        rows = Contract.objects.filter(pk__in=parts.values("contract_id"))
        return rows.prefetch_related("members__user").order_by("pk")


class UserTokenViewSet(ResourceViewSet):
    tag, noun, component = "Users", "token", "UserToken"
    personal = ("name",)
    serializer_class = TokenSerializer
    expansions = {
        "contract": Expansion("contract", "accounts.views.contracts.ContractViewSet"),
    }
    parent = lookups.USER
    operations = (List(TokenQuery, summary="List a user's tokens"),)

    def get_queryset(self) -> QuerySet[Any]:
        return Token.objects.filter(user=self.parent_row()).select_related("contract").order_by("pk")
