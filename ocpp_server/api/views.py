"""The base class of every endpoint's view."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import structlog
from django.db import Error as DatabaseError
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ocpp_server import sites
from ocpp_server.api import (
    auditing,
    deprecation,
    etags,
    idempotency,
    personal,
    request_log,
    scopes,
    throttling,
)
from ocpp_server.api.authentication import KeyHolder
from ocpp_server.bounds import long_polls
from ocpp_server.credentials import Role
from ocpp_server.transport import sent_commands

log = structlog.get_logger(__name__)


class ApiView(APIView):
    """A view with roles, sites, idempotency keys and ETags around its methods `get`, `post`, ...

    An endpoint's scope follows from its path (`scopes`). `is_of_sites`: True if its answers have only what
    belongs to the sites of the caller, which the managers of the models see to (`ocpp_server.sites`), or what
    belongs to no one, such as documents. A caller that is limited to sites is refused otherwise. Each view
    states it; None counts as False.
    """

    read_role: ClassVar[str] = Role.VIEWER
    write_role: ClassVar[str] = Role.OPERATOR
    is_of_sites: ClassVar[bool | None] = None
    # Of an operation that is in another group than its path (`scopes`).
    scope_group: ClassVar[str] = ""
    # Personal fields of the answers beside those of `personal.NAMES`.
    personal: ClassVar[tuple[str, ...]] = ()
    # False for a view whose POST only asks: the audit log has no entry of it.
    changes: ClassVar[bool] = True
    # The reads that the audit log has too: the names of methods of the view.
    audited: ClassVar[tuple[str, ...]] = ()
    # Only the documented methods: no TRACE, and no OPTIONS, whose answer would have no envelope.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    _claim: Any = None
    _caller: Any = None

    def needed_role(self) -> str:
        """The lowest role that may send this request."""
        return self.read_role if self.request.method in SAFE_METHODS else self.write_role

    def needed_scope(self) -> str:
        """The scope that an API key with scopes needs for this request."""
        match = self.request.resolver_match
        group = self.scope_group or (scopes.group_of(match.route) if match else "")
        is_for_viewers = self.needed_role() == Role.VIEWER
        return scopes.needed(group, str(self.request.method), is_for_viewers=is_for_viewers)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._began = time.perf_counter()
        # End what `initial` sets.
        with sites.limited_to(sites.current()), personal.kept():
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self._caller = request.user

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.user is not None:
            sites.limit(sites.of(request.user))
            personal.hide(not getattr(request.user, "shows_personal_data", True))
        if not hasattr(self, str(request.method).lower()):
            raise MethodNotAllowed(str(request.method))
        if request.method not in SAFE_METHODS:
            sent_commands.begin()
            self._claim = idempotency.claim(request)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, idempotency.Replay):
            return exc.response
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(response, Response):
            self._mask(response)
        if isinstance(response, Response) and etags.is_known(request, response):
            response = etags.unchanged(response)
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        for name, value in throttling.headers(request).items():
            final.headers[name] = value
        if gone := deprecation.of(self, str(request.method)):
            for name, text in gone.headers().items():
                final.headers.setdefault(name, text)
        # Keeps Django from logging every refusal, and an offline station as an error. `errors.handle` logs
        # bugs with their traceback.
        final._has_been_logged = True
        if self._claim is not None:
            self._finish_claim(final)
        self._log(request, final)
        if self._caller is not None:
            auditing.note(self, request, final, self._caller)
        return final

    def _mask(self, response: Response) -> None:
        """Hide personal data in the answer from a key that may not see it."""
        if not personal.is_hidden() or not isinstance(response.data, dict):
            return
        response.data = personal.masked(response.data, self.personal)
        if self.personal and response.data.get("success"):
            response.data["message"] = personal.SENTENCE

    def _log(self, request: Request, response: Any) -> None:
        """Note the request in the log of its API key."""
        # Not request.user: that would ask a database that is away once more.
        user = self._caller
        if long_polls.is_waiting(request._request):
            return
        if isinstance(user, KeyHolder) and not getattr(self, "is_probed", False):
            seconds = time.perf_counter() - self._began
            request_log.note(
                request, user.key.pk, status=response.status_code, seconds=seconds, path_values=self.kwargs
            )

    def _finish_claim(self, response: Response) -> None:
        try:
            idempotency.finish(self._claim, response)
        except DatabaseError:
            # The answer is true: the caller gets it. Until the claim counts as abandoned, a retry gets 409.
            log.exception("idempotency.answer_not_stored")


def body(kind: type[Any], request: Request, **context: Any) -> dict[str, Any]:
    """The validated body. Raises ValidationError."""
    serializer = kind(data=request.data, context={"request": request, **context})
    serializer.is_valid(raise_exception=True)
    validated: dict[str, Any] = serializer.validated_data
    return validated
