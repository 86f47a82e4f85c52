"""People who charge: list, create, change, close, their contracts and tokens."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import ContractQuery, TokenQuery, UserQuery
from accounts.models import Contract, Member, Token, User
from accounts.serializers import (
    ContractSerializer,
    TokenSerializer,
    UserBody,
    UserChanges,
    UserSerializer,
)
from accounts.services import people
from accounts.views import lookups
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body

TAG = "Users"
_ONE = enveloped("User", UserSerializer)


def _serialized(user: User) -> dict[str, Any]:
    return dict(UserSerializer(user).data)


class UsersView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("List users", listed("Users", "users", UserSerializer), tag=TAG, query=UserQuery, also=(400,))
    def get(self, request: Request) -> Response:
        rows = User.objects.people().order_by("pk")
        return page(request, kind=UserQuery, rows=rows, name="users", noun="users", shape=UserSerializer)

    @described("Create a user", _ONE, tag=TAG, status=201, body=UserBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        user = people.create(**body(UserBody, request))
        return etags.tagged(f"User {user} created.", _serialized(user), status=201)


class UserView(ApiView):
    write_role = User.Role.ADMINISTRATOR

    @described("Get a user", _ONE, tag=TAG, path=lookups.USER_PATH, also=(400,), tagged=True)
    def get(self, request: Request, user_id: str) -> Response:
        user = lookups.user(user_id)
        return etags.tagged(f"User {user} is {user.status}.", _serialized(user))

    @described(
        "Update a user",
        _ONE,
        tag=TAG,
        path=lookups.USER_PATH,
        body=UserChanges,
        changes=True,
        guarded=True,
        also=(400, 422),
        description="The owner of an active contract cannot be closed: 422.",
    )
    def patch(self, request: Request, user_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.user, user_id) as row:
            user = people.update(row, **body(UserChanges, request))
        return etags.tagged(f"User {user} updated.", _serialized(user))

    @described(
        "Close a user",
        _ONE,
        tag=TAG,
        path=lookups.USER_PATH,
        changes=True,
        guarded=True,
        also=(400, 422),
        description="The row is kept. The owner of an active contract cannot be closed: 422.",
    )
    def delete(self, request: Request, user_id: str) -> Response:
        with etags.guarded(request, _serialized, lookups.user, user_id) as row:
            user = people.close(row)
        return etags.tagged(f"User {user} closed.", _serialized(user))


class UserContractsView(ApiView):
    @described(
        "List a user's contracts",
        listed("UserContracts", "contracts", ContractSerializer),
        tag=TAG,
        path=lookups.USER_PATH,
        query=ContractQuery,
        also=(400,),
    )
    def get(self, request: Request, user_id: str) -> Response:
        user = lookups.user(user_id)
        parts = Member.objects.filter(user=user).present()
        rows = Contract.objects.filter(pk__in=parts.values("contract_id")).prefetch_related("members__user")
        return page(
            request,
            kind=ContractQuery,
            rows=rows.order_by("pk"),
            name="contracts",
            noun="contracts",
            shape=ContractSerializer,
        )


class UserTokensView(ApiView):
    @described(
        "List a user's tokens",
        listed("UserTokens", "tokens", TokenSerializer),
        tag=TAG,
        path=lookups.USER_PATH,
        query=TokenQuery,
        also=(400,),
    )
    def get(self, request: Request, user_id: str) -> Response:
        rows = Token.objects.filter(user=lookups.user(user_id)).select_related("contract").order_by("pk")
        return page(request, kind=TokenQuery, rows=rows, name="tokens", noun="tokens", shape=TokenSerializer)
