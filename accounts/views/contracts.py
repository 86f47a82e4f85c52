"""Contracts, their members, and transfer to another owner."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import ContractQuery
from accounts.models import Contract, Member
from accounts.serializers import (
    ContractBody,
    ContractChanges,
    ContractSerializer,
    MemberBody,
    MemberChanges,
    MemberSerializer,
    TransferBody,
)
from accounts.services import contracts, membership
from accounts.views import lookups
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.operations import All, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.api.views import body
from ocpp_server.domain import Conflict
from ocpp_server.rights import Right, role_for

TAG = "Contracts"


class ContractViewSet(ResourceViewSet):
    tag, noun = TAG, "contract"
    personal = ("name",)
    write_role = role_for(Right.CONTRACTS)
    queryset = Contract.objects.prefetch_related("members__user").order_by("pk")
    serializer_class = ContractSerializer
    deletions = Contract
    lookup = lookups.CONTRACT
    operations = (
        List(ContractQuery),
        Get(sentence="Contract {row} is {row.status}."),
        Create(ContractBody, contracts.create),
        Change(ContractChanges, contracts.update, word="update"),
        Delete(
            contracts.terminate,
            word="terminate",
            description="The row is kept. The contract's tokens are refused from now on.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "owner" in given:
            given["owner"] = lookups.named_user(given["owner"], "owner")
        return given

    def shown(self, row: Contract) -> dict[str, Any]:
        # Loaded again: services change members behind the row.
        return super().shown(self.get_queryset().get(pk=row.pk))

    @described(
        "Transfer a contract",
        enveloped("Contract", ContractSerializer),
        tag=TAG,
        path=lookup.path,
        body=TransferBody,
        changes=True,
        guarded=True,
        description="The former owner stays as a member. The second of two simultaneous transfers gets 409.",
    )
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, **path: str) -> Response:
        contract = self.find()
        to = lookups.named_user(body(TransferBody, request)["user_id"], "user_id")
        # Read before the lock: the second of two transfers must see that its owner is no longer the owner.
        owner = Member.objects.filter(contract=contract, role=Member.Role.OWNER).first()
        if owner is None:
            raise Conflict(f"Contract {contract} has no owner.", field="user_id")
        with self.guarded():
            membership.transfer(owner=owner, to=to)
        return self.respond(f"Contract {contract} transferred to {to}.", self.shown(contract))


class MemberViewSet(ResourceViewSet):
    tag, noun = TAG, "member"
    personal = ("name",)
    write_role = role_for(Right.CONTRACTS)
    serializer_class = MemberSerializer
    expansions = {
        "user": Expansion("user", "accounts.views.users.UserViewSet"),
    }
    parent, lookup = lookups.CONTRACT, lookups.MEMBER
    label = "{row.user} is {row.role}, {row.status}"
    operations = (
        All(summary="List members"),
        Get(),
        Create(
            MemberBody, membership.add, word="add", sentence="{row.user} added to contract {row.contract}."
        ),
        Change(
            MemberChanges,
            membership.change,
            word="update",
            sentence=f"{label}.",
            description="A member who may no longer charge loses the contract's tokens. "
            "The owner must transfer the contract first: 409.",
        ),
        Delete(
            membership.remove,
            word="remove",
            sentence="{row.user} removed from the contract.",
            description="The member's tokens of this contract become invalid. "
            "The owner must transfer the contract first: 409.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return Member.objects.filter(contract=self.parent_row()).select_related("user")

    def find(self, *, lock: bool = False) -> Member:
        """A lock is taken on the contract, because what may change depends on its other members."""
        return lookups.member(self.parent_row(lock=lock), self.kwargs[self.lookup.name])

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "user_id" in given:
            given["user"] = lookups.named_user(given.pop("user_id"), "user_id")
        return given
