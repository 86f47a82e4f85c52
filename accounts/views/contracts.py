"""Contracts, who belongs to them, and who owns them."""

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
from accounts.views import found
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


def _shown(contract: Contract) -> dict[str, Any]:
    fresh = Contract.objects.prefetch_related("members__user").get(pk=contract.pk)
    return dict(ContractSerializer(fresh).data)


def _member(contract_id: str, user_id: str, *, lock: bool = False) -> Member:
    """`lock` holds the contract: what may happen to one member depends on the others."""
    return found.member(found.contract(contract_id, lock=lock), user_id)


def _member_shown(member: Member) -> dict[str, Any]:
    return dict(MemberSerializer(member).data)


class ContractsView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Contracts",
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

    @described("Conclude a contract", _ONE, tag=TAG, status=201, body=ContractBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        given = body(ContractBody, request)
        given["owner"] = found.named_user(given["owner"], "owner")
        contract = contracts.create(**given)
        return etags.tagged(f"The contract {contract} is concluded.", _shown(contract), status=201)


class ContractView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("One contract", _ONE, tag=TAG, path=found.CONTRACT_PATH, tagged=True)
    def get(self, request: Request, contract_id: str) -> Response:
        contract = found.contract(contract_id)
        return etags.tagged(f"The contract {contract} is {contract.status}.", _shown(contract))

    @described(
        "Change a contract",
        _ONE,
        tag=TAG,
        path=found.CONTRACT_PATH,
        body=ContractChanges,
        changes=True,
        guarded=True,
    )
    def patch(self, request: Request, contract_id: str) -> Response:
        with etags.guarded(request, _shown, found.contract, contract_id) as row:
            contract = contracts.update(row, **body(ContractChanges, request))
        return etags.tagged(f"The contract {contract} is changed.", _shown(contract))

    @described(
        "Terminate a contract",
        _ONE,
        tag=TAG,
        path=found.CONTRACT_PATH,
        changes=True,
        guarded=True,
        description="Contracts are not deleted. Its tokens are refused from now on.",
    )
    def delete(self, request: Request, contract_id: str) -> Response:
        with etags.guarded(request, _shown, found.contract, contract_id) as row:
            contract = contracts.terminate(row)
        return etags.tagged(f"The contract {contract} is terminated.", _shown(contract))


class TransferView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Hand a contract to another owner",
        _ONE,
        tag=TAG,
        path=found.CONTRACT_PATH,
        body=TransferBody,
        changes=True,
        guarded=True,
        also=(400,),
        description="The former owner stays as a member. Of two at once, the second gets 409.",
    )
    def post(self, request: Request, contract_id: str) -> Response:
        contract = found.contract(contract_id)
        to = found.named_user(body(TransferBody, request)["user_id"], "user_id")
        owner = Member.objects.filter(contract=contract, role=Member.Role.OWNER).first()
        if owner is None:
            raise Conflict(f"The contract {contract} has no owner.", field="user_id")
        with etags.guarded(request, _shown, found.contract, contract_id):
            membership.transfer(owner=owner, to=to)
        return etags.tagged(f"{to} owns the contract {contract}.", _shown(contract))


class MembersView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Who belongs to a contract", _MEMBERS, tag=TAG, path=found.CONTRACT_PATH)
    def get(self, request: Request, contract_id: str) -> Response:
        contract = found.contract(contract_id)
        rows = Member.objects.filter(contract=contract).select_related("user")
        shown = [_member_shown(member) for member in rows]
        return answer(f"{len(shown)} members.", {"members": shown, "count": len(shown)})

    @described(
        "Take somebody into a contract",
        _MEMBER,
        tag=TAG,
        path=found.CONTRACT_PATH,
        status=201,
        body=MemberBody,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request, contract_id: str) -> Response:
        contract = found.contract(contract_id)
        given = body(MemberBody, request)
        user = found.named_user(given.pop("user_id"), "user_id")
        member = membership.add(contract, user=user, **given)
        sentence = f"{user} belongs to the contract {contract}."
        return etags.tagged(sentence, _member_shown(member), status=201)


class MemberView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described(
        "Somebody's part in a contract", _MEMBER, tag=TAG, path=found.MEMBER_PATH, also=(400,), tagged=True
    )
    def get(self, request: Request, contract_id: str, user_id: str) -> Response:
        member = _member(contract_id, user_id)
        return etags.tagged(f"{member.user} is {member.role}, {member.status}.", _member_shown(member))

    @described(
        "Change somebody's role or status",
        _MEMBER,
        tag=TAG,
        path=found.MEMBER_PATH,
        body=MemberChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="Who may no longer charge loses the contract's tokens. The owner transfers first: 409.",
    )
    def patch(self, request: Request, contract_id: str, user_id: str) -> Response:
        with etags.guarded(request, _member_shown, _member, contract_id, user_id) as row:
            member = membership.change(row, **body(MemberChanges, request))
        return etags.tagged(f"{member.user} is {member.role}, {member.status}.", _member_shown(member))

    @described(
        "Let somebody go",
        _MEMBER,
        tag=TAG,
        path=found.MEMBER_PATH,
        changes=True,
        guarded=True,
        also=(400,),
        description="This person's tokens of the contract become invalid. The owner transfers first: 409.",
    )
    def delete(self, request: Request, contract_id: str, user_id: str) -> Response:
        with etags.guarded(request, _member_shown, _member, contract_id, user_id) as row:
            member = membership.remove(row)
        return etags.tagged(f"{member.user} has left the contract.", _member_shown(member))
