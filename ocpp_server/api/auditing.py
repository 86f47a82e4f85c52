"""The entries of the audit log for requests to the REST API."""

from __future__ import annotations

import re
from typing import Any, Final

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server import audit
from ocpp_server.api import idempotency, personal
from ocpp_server.api.authentication import actor
from ocpp_server.api.operation_ids import operation_id
from ocpp_server.credentials import Role
from ocpp_server.observability import tracing

# Refused before anyone has decided what the caller may do: the access log has them.
_NOT_AUDITED: Final = (401, 405, 429)
_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def note(view: Any, request: Request, response: Any, caller: Any) -> None:
    """Note a request that changed something or tried to, and the reads that the view names in `audited`.

    A POST that viewers may send is a read. A repeat that got a stored answer has changed nothing.
    """
    if not caller.is_authenticated or response.status_code in _NOT_AUDITED:
        return
    if response.headers.get(idempotency.REPLAYED) or not _is_audited(view, request):
        return
    audit.note(
        audit.Entry(
            actor=actor(request),
            door=audit.Door.REST,
            action=_action(view, request, response),
            path=audit.clean(personal.shown_path(request.path, view.kwargs)),
            fields=audit.names(_sent(request)),
            status=response.status_code,
            address=request.META.get("REMOTE_ADDR", ""),
            request_id=tracing.request_id(),
        )
    )


def _is_audited(view: Any, request: Request) -> bool:
    if request.method in SAFE_METHODS:
        name = getattr(view, "action", None) or str(request.method).lower()
        return name in view.audited
    return bool(view.changes and view.needed_role() != Role.VIEWER)


def _action(view: Any, request: Request, response: Response) -> str:
    """The operationId of the OpenAPI document."""
    match = request.resolver_match
    path = _PARAMETER.sub(r"{\1}", f"/{match.route}") if match else request.path
    creates = getattr(view, "action", "") == "create" or response.status_code == 201
    return operation_id(str(request.method), path, is_list=False, creates=creates)


def _sent(request: Request) -> list[str]:
    """The names of the fields of the body, if the view has read it: to read it here could fail."""
    data = getattr(request, "_full_data", None)
    return list(data) if isinstance(data, dict) else []
