"""Contracts, their members, and transfer to another owner."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import ContractQuery
from accounts.models import Contract, Member, User
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
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body
from ocpp_server.domain import Conflict

TAG = "Contracts"
_ONE = enveloped("Contract", ContractSerializer)
_MEMBER = enveloped("Member", MemberSerializer)
_MEMBERS = enveloped("Members", {"members": MemberSerializer(many=True), "count": serializers.IntegerField()})


def _serialized(contract: Contract) -> dict[str, Any]:
    fresh = Contract.objects.prefetch_related("members__user").get(pk=contract.pk)
    return dict(ContractSerializer(fresh).data)


def _member(contract_id: str, user_id: str, *, lock: bool = False) -> Member:
    """Return a member; `lock` locks the contract, because what may change depends on its other members."""
    return lookups.member(lookups.contract(contract_id, lock=lock), user_id)


def _serialized_member(member: Member) -> dict[str, Any]:
    return dict(MemberSerializer(member).data)


class ContractsView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "List contracts",
        listed("Contracts", "contracts", ContractSerializer),
        tag=TAG,
        query=ContractQuery,
        also=(400,),
    )
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=ContractQuery,
            rows=Contract.objects.prefetch_related("members__user").order_by("pk"),
            name="contracts",
            noun="contracts",
            shape=ContractSerializer,
        )

    @described("Create a contract", _ONE, tag=TAG, status=201, body=ContractBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        given = body(ContractBody, request)
        given["owner"] = lookups.named_user(given["owner"], "owner")
        contract = contracts.create(**given)
        return etags.tagged(f"Contract {contract} created.", _serialized(contract), status=201)


class ContractView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Get a contract", _ONE, tag=TAG, path=lookups.CONTRACT_PATH, tagged=True)
    def get(self, request: Request, contract_id: str) -> Response:
        contract = lookups.contract(contract_id)
        return etags.tagged(f"Contract {contract} is {contract.status}.", _serialized(contract))

    @described(
        "Update a contract",
        _ONE,
        tag=TAG,
        path=lookups.CONTRACT_PATH,
        body=ContractChanges,
        changes=True,
        guarded=True,
    )
    def patch(self, request: Request, contract_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.contract, contract_id) as row:
            contract = contracts.update(row, **body(ContractChanges, request))
        return etags.tagged(f"Contract {contract} updated.", _serialized(contract))

    @described(
        "Terminate a contract",
        _ONE,
        tag=TAG,
        path=lookups.CONTRACT_PATH,
        changes=True,
        guarded=True,
        description="The row is kept. The contract's tokens are refused from now on.",
    )
    def delete(self, request: Request, contract_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.contract, contract_id) as row:
            contract = contracts.terminate(row)
        return etags.tagged(f"Contract {contract} terminated.", _serialized(contract))


class TransferView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Transfer a contract",
        _ONE,
        tag=TAG,
        path=lookups.CONTRACT_PATH,
        body=TransferBody,
        changes=True,
        guarded=True,
        also=(400,),
        description="The former owner stays as a member. The second of two simultaneous transfers gets 409.",
    )
    def post(self, request: Request, contract_id: str) -> Response:
        contract = lookups.contract(contract_id)
        to = lookups.named_user(body(TransferBody, request)["user_id"], "user_id")
        owner = Member.objects.filter(contract=contract, role=Member.Role.OWNER).first()
        if owner is None:
            raise Conflict(f"Contract {contract} has no owner.", field="user_id")
        with etags.guarded(request, _serialized, lookups.contract, contract_id):
            membership.transfer(owner=owner, to=to)
        return etags.tagged(f"Contract {contract} transferred to {to}.", _serialized(contract))


class MembersView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("List members", _MEMBERS, tag=TAG, path=lookups.CONTRACT_PATH)
    def get(self, request: Request, contract_id: str) -> Response:
        contract = lookups.contract(contract_id)
        rows = Member.objects.filter(contract=contract).select_related("user")
        members_data = [_serialized_member(member) for member in rows]
        return answer(f"{len(members_data)} members.", {"members": members_data, "count": len(members_data)})

    @described(
        "Add a member",
        _MEMBER,
        tag=TAG,
        path=lookups.CONTRACT_PATH,
        status=201,
        body=MemberBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, contract_id: str) -> Response:
        contract = lookups.contract(contract_id)
        given = body(MemberBody, request)
        user = lookups.named_user(given.pop("user_id"), "user_id")
        member = membership.add(contract, user=user, **given)
        sentence = f"{user} added to contract {contract}."
        return etags.tagged(sentence, _serialized_member(member), status=201)


class MemberView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Get a member", _MEMBER, tag=TAG, path=lookups.MEMBER_PATH, also=(400,), tagged=True)
    def get(self, request: Request, contract_id: str, user_id: str) -> Response:
        member = _member(contract_id, user_id)
        return etags.tagged(f"{member.user} is {member.role}, {member.status}.", _serialized_member(member))

    @described(
        "Update a member",
        _MEMBER,
        tag=TAG,
        path=lookups.MEMBER_PATH,
        body=MemberChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="A member who may no longer charge loses the contract's tokens. "
        "The owner must transfer the contract first: 409.",
    )
    def patch(self, request: Request, contract_id: str, user_id: str) -> Response:
        with etags.guarded(request, _serialized_member, _member, contract_id, user_id) as row:
            member = membership.change(row, **body(MemberChanges, request))
        return etags.tagged(f"{member.user} is {member.role}, {member.status}.", _serialized_member(member))

    @described(
        "Remove a member",
        _MEMBER,
        tag=TAG,
        path=lookups.MEMBER_PATH,
        changes=True,
        guarded=True,
        also=(400,),
        description="The member's tokens of this contract become invalid. "
        "The owner must transfer the contract first: 409.",
    )
    def delete(self, request: Request, contract_id: str, user_id: str) -> Response:
        with etags.guarded(request, _serialized_member, _member, contract_id, user_id) as row:
            member = membership.remove(row)
        return etags.tagged(f"{member.user} removed from the contract.", _serialized_member(member))
