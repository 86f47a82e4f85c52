"""Errors in the envelope: of the domain, of the frameworks, of unknown URLs and of bugs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from ocpp_server import domain
from ocpp_server.api.envelope import refusal, shape
from ocpp_server.error_codes import Code, of_status
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.schemas import PayloadInvalid
from ocpp_server.transport import sent_commands

log = structlog.get_logger(__name__)

# The answer to a bug. It has no details, which could help an attacker.
FAULT = "Internal error. Details are in the server's log."
SIGN_IN = (
    "Authentication required: send the header 'Authorization: Api-Key <key>', or sign in to the admin "
    "(/admin/) with this browser."
)
# One answer names at most this many wrong fields.
MAX_ERRORS: Final = 100
_DOMAIN_STATUS: tuple[tuple[type[domain.DomainError], int], ...] = (
    (domain.Missing, 404),
    (domain.Conflict, 409),
    (domain.Outdated, 412),
    (domain.Refused, 422),
    (domain.StationOffline, 503),
    (domain.QueueFull, 429),
    (domain.Invalid, 400),
)


class TooManyWrongKeys(exceptions.Throttled):
    """The address of the caller has sent too many wrong API keys."""


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler."""
    if isinstance(error, domain.DomainError):
        return _domain(error)
    if isinstance(error, PayloadInvalid):
        return invalid(error.errors, "The payload does not fit the OCPP schema")
    if isinstance(error, Http404):
        return refusal(str(error) if error.args else "Not found.", 404)
    if isinstance(error, PermissionDenied):
        return refusal(str(error) or "This is not allowed.", 403)
    if isinstance(error, (SuspiciousOperation, BadRequest)):
        return refusal("The request is not valid.", 400, code=Code.BAD_REQUEST)
    if isinstance(error, exceptions.APIException):
        return _framework(error)
    if isinstance(error, LiveStateUnavailable):
        log.error("api.redis_away", error=str(error))
        return _away(error.sentence, Code.REDIS_AWAY)
    if isinstance(error, (StorageUnavailable, OperationalError, InterfaceError)):
        log.error("api.database_away", error=str(error))
        return _away(StorageUnavailable.sentence, Code.DATABASE_AWAY)
    log.error("api.failed", path=getattr(context.get("request"), "path", ""), exc_info=error)
    return refusal(FAULT, 500, _sent())


def _away(sentence: str, code: Code) -> Response:
    sent = _sent()
    if sent:
        sentence = f"{sentence} The command {sent['requestId']} was sent: do not send it again."
    return refusal(sentence, 503, sent, code=code, headers={"Retry-After": "10"})


def _sent() -> dict[str, str]:
    """The id of the command that was sent before the error; with it, the Idempotency-Key is not freed."""
    sent = sent_commands.last()
    return {"requestId": sent} if sent else {}


def invalid(
    errors: list[dict[str, str]], headline: str = "", *, code: Code = Code.VALIDATION_FAILED
) -> Response:
    """The answer 400 with each wrong field and the reason."""
    first = "; ".join(f"{error['field']}: {error['reason'].rstrip('.')}" for error in errors[:3])
    more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
    sentence = f"{headline}: {first}{more}." if headline else f"{first}{more}."
    return refusal(sentence, 400, {"errors": errors}, code=code, param=_first(errors))


def _first(errors: list[dict[str, str]]) -> str:
    return errors[0]["field"] if errors else ""


def _domain(error: domain.DomainError) -> Response:
    if isinstance(error, domain.Invalid) and error.errors:
        data = {**error.data, "errors": error.errors}
        return refusal(error.sentence, 400, data, code=error.code, param=_first(error.errors))
    status = next((status for kind, status in _DOMAIN_STATUS if isinstance(error, kind)), 409)
    where = {"errors": [{"field": error.field, "reason": error.sentence}]} if error.field else {}
    response = refusal(error.sentence, status, {**error.data, **where}, code=error.code, param=error.field)
    if status == 429:
        response["Retry-After"] = "1"
    return response


def _framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        code = Code.UNKNOWN_FIELD if _is_all_unknown(error.detail) else Code.VALIDATION_FAILED
        return invalid(list(islice(flatten(error.detail), MAX_ERRORS)), code=code)
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, error.wait or 1)  # type: ignore[attr-defined]  # missing in the stubs
        what = "wrong API keys from this address" if isinstance(error, TooManyWrongKeys) else "requests"
        sentence = f"Too many {what}; try again in {seconds} s."
        return refusal(sentence, 429, headers={"Retry-After": str(seconds)})
    message = str(error.detail)
    if isinstance(error, exceptions.NotAuthenticated):
        message = SIGN_IN
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if isinstance(error, exceptions.ParseError):
        errors = [{"field": "body", "reason": message}]
        return refusal(message, 400, {"errors": errors}, code=Code.MALFORMED_BODY, param="body")
    return refusal(message, error.status_code, code=_framework_code(error), headers=headers)


def _framework_code(error: exceptions.APIException) -> Code:
    if isinstance(error, exceptions.AuthenticationFailed):
        return Code.INVALID_CREDENTIALS
    named = getattr(error.detail, "code", "")
    return Code.CSRF_FAILED if named == Code.CSRF_FAILED else of_status(error.status_code)


def _is_all_unknown(detail: Any) -> bool:
    """Whether the only error is that fields do not exist; StrictSerializer marks it so."""
    if isinstance(detail, dict):
        return bool(detail) and all(map(_is_all_unknown, detail.values()))
    if isinstance(detail, list):
        return bool(detail) and all(map(_is_all_unknown, detail))
    return getattr(detail, "code", "") == Code.UNKNOWN_FIELD


def flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """The nested errors of serializers as field paths with reasons."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            inner = path or "body" if key == "non_field_errors" else f"{path}.{key}" if path else str(key)
            yield from flatten(value, inner)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            yield from flatten(value, f"{path}[{index}]" if isinstance(value, (dict, list)) else path)
    else:
        yield {"field": path or "body", "reason": str(detail)}


# -- outside of the framework's views ------------------------------------------------------------------------


def plain(message: str, status: int, code: Code | None = None) -> JsonResponse:
    data = {"code": (code or of_status(status)).value}
    return JsonResponse(shape(message, data, success=False), status=status)


def is_api(request: HttpRequest) -> bool:
    """Whether this path belongs to the API, so that errors are JSON. The admin has error pages."""
    first = request.path_info.lstrip("/").partition("/")[0]
    return first in ("api", "health", "clients", "metrics")


@csrf_exempt
def no_such_address(request: HttpRequest, **_: str) -> HttpResponse:
    """The view of unknown paths. It serves the same path with or without the trailing slash, else 404."""
    path = request.path_info
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    try:
        match = resolve(other)
    except Resolver404:
        pass
    else:
        if match.func is not no_such_address:
            request.resolver_match = match
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
            return response
    return plain(f"Not found: {path}.", 404, Code.UNKNOWN_ADDRESS)


def paged(api: Callable[..., HttpResponse], page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view `api` for the paths of the API, the view `page` for all others."""

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (api if is_api(request) else page)(request, *args, **kwargs)

    return view


def _plain(message: str, status: int, code: Code, *_: Any, **__: Any) -> HttpResponse:
    return plain(message, status, code)


bad_request = paged(partial(_plain, "The request is not valid.", 400, Code.BAD_REQUEST), defaults.bad_request)
forbidden = paged(
    partial(_plain, "This is not allowed.", 403, Code.PERMISSION_DENIED), defaults.permission_denied
)
not_found = paged(partial(_plain, "Not found.", 404, Code.UNKNOWN_ADDRESS), defaults.page_not_found)
fault = paged(partial(_plain, FAULT, 500, Code.INTERNAL_ERROR), defaults.server_error)
