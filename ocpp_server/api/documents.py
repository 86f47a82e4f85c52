"""The OpenAPI document: the parameters, body and answers of each endpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from ocpp_server.api.codes import problem
from ocpp_server.api.deletions import DeletedRowSerializer
from ocpp_server.api.deprecation import Deprecation
from ocpp_server.api.fields import MAX_INT, ReadSerializer, SecondsField, StrictSerializer
from ocpp_server.api.idempotency import HEADER, MAX_LENGTH

Method = TypeVar("Method", bound=Callable[..., Any])

REASONS = {
    400: "Bad input: which field, and why.",
    401: "No or bad credentials.",
    403: "Not allowed: the role, or a missing CSRF token.",
    404: "Not found.",
    405: "Method not allowed.",
    408: "The station did not answer in time.",
    409: "Conflict: a duplicate, a state that does not allow it, or an Idempotency-Key with another body.",
    412: "It was changed in the meantime: If-Match names another state.",
    415: "The body is not application/json.",
    422: "A rule does not allow it, although the fields are valid.",
    429: "Too many requests, or the station's command queue is full.",
    500: "Internal error.",
    502: "The station answered with a CALLERROR, or with an invalid answer.",
    503: "The station is offline, or the database is down.",
}
# The schema of a number in a path.
NUMBER = {"type": "integer", "minimum": 1, "maximum": MAX_INT}
EVERYWHERE = (400, 401, 403, 405, 429, 500, 503)
FROM_STATION = (408, 409, 502, 503)

IDEMPOTENCY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key and body return the stored answer; another body is refused with 409.",
)


IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "minLength": 1, "maxLength": 300, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The ETag of the last read; if it was changed since, the request is refused with 412.",
)

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    {"type": "string", "minLength": 1, "maxLength": 300, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The ETag of the last read; if nothing was changed since, the answer is 304 without a body.",
)


class WaitQuery(StrictSerializer):
    """Whether to wait for the station."""

    wait = serializers.ChoiceField(
        choices=["true", "false"],
        default="true",
        help_text="false: return 202 at once, with the id of the command.",
    )


class LiveQuery(StrictSerializer):
    timeout = SecondsField()


LINK = OpenApiParameter(
    "Link",
    str,
    OpenApiParameter.HEADER,
    description='The full address of the next page with rel="next" (RFC 8288); absent on the last page.',
    response=[200],
)
LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, description="The URL of the new row.", response=[201]
)


def _header(name: str, statuses: tuple[int, ...], text: str, kind: Any = str) -> OpenApiParameter:
    """A header of the answers with these statuses."""
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text, response=list(statuses))


# Headers of refusals, which every endpoint may send.
WWW_AUTHENTICATE = _header("WWW-Authenticate", (401,), "The scheme of the credentials: `Api-Key`.")
RETRY_AFTER = _header(
    "Retry-After", (429, 503), "Seconds until a repeat makes sense. An offline station has none.", int
)


def _etag(status: int) -> OpenApiParameter:
    text = "The state of the row, for If-None-Match and If-Match. An answer from an Idempotency-Key has none."
    return _header("ETag", (status,), text)


def _replayed(status: int) -> OpenApiParameter:
    return _header(
        "Idempotent-Replayed", (status,), "`true`: the stored answer to an earlier request with this key."
    )


def enveloped(name: str, data: Any) -> Any:
    """The envelope around a serializer, or around a dictionary of fields."""
    if isinstance(data, dict):
        return _envelope(name, inline_serializer(f"{name}Data", data))
    return _around(name, data) if isinstance(data, type) else _envelope(name, data)


@cache
def _around(name: str, kind: type[serializers.Serializer[Any]]) -> Any:
    """One envelope for all operations that answer with the same serializer: its name must be unique."""
    return _envelope(name, kind())


def _envelope(name: str, data: Any) -> Any:
    return inline_serializer(
        f"{name}Envelope",
        {"success": serializers.BooleanField(), "message": serializers.CharField(), "data": data},
    )


class PageLinksSerializer(ReadSerializer):
    next = serializers.URLField(
        allow_null=True,
        help_text="The full address of the next page, as in the header `Link`; null on the last one.",
    )


def listed(
    name: str, key: str, shape: type[serializers.Serializer[Any]], *, shows_deletions: bool = False
) -> Any:
    """The envelope of a list."""
    following = serializers.CharField(
        allow_null=True, help_text="The cursor of the next page; null on the last page."
    )
    # Not read-only: the document would require it in every answer.
    deleted = DeletedRowSerializer(
        many=True, required=False, read_only=False, help_text="Only with `deleted_from`, instead of rows."
    )
    return enveloped(
        name,
        {
            key: shape(many=True),
            **({"deleted": deleted} if shows_deletions else {}),
            "count": serializers.IntegerField(help_text="Rows on this page."),
            "total": serializers.IntegerField(help_text="Rows that match."),
            "next": following,
            "links": PageLinksSerializer(),
        },
    )


def described(
    summary: str,
    answers: Any,
    *,
    tag: str,
    status: int = 200,
    body: Any = None,
    query: type[serializers.Serializer[Any]] | None = None,
    path: dict[str, tuple[Any, str]] | None = None,
    also: tuple[int, ...] = (),
    waits: bool = False,
    changes: bool = False,
    guarded: bool = False,
    tagged: bool = False,
    shows_etag: bool = False,
    accepted: bool = False,
    located: bool = False,
    paged: bool = False,
    headers: tuple[OpenApiParameter, ...] = (),
    description: str = "",
    deprecated: Deprecation | None = None,
) -> Callable[[Method], Method]:
    """Describe one method of a view in the OpenAPI document.

    `waits`: a command is sent to a station. `changes`: state changes, so an Idempotency-Key is accepted.
    `guarded`: If-Match is checked. `tagged`: the answer has an ETag, and If-None-Match is checked.
    `shows_etag`: the answer to a change has an ETag. `accepted`: the work may go on in the background.
    `located`: the answer has the Location of a new row. `paged`: it has the Link to the next page.
    `headers`: further headers of the request. `deprecated`: the operation goes, and headers say so.
    `also`: statuses beyond those of every endpoint. `answers` is a serializer of the whole envelope, or a
    dictionary of media types where the answer is a file.
    """
    codes = {*EVERYWHERE, *also}
    parameters: list[Any] = []
    for name, (kind, text) in (path or {}).items():
        parameters.append(OpenApiParameter(name, kind, OpenApiParameter.PATH, description=text))
        codes.add(404)
    if query is not None:
        parameters.append(query)
    if waits:
        codes.update(FROM_STATION)
        if changes:
            parameters.append(WaitQuery)
    if guarded:
        codes.add(412)
    if changes:
        codes.update((409, 415))
    usual = (
        (guarded, IF_MATCH),
        (tagged, IF_NONE_MATCH),
        (changes, IDEMPOTENCY),
        (located, LOCATION),
        (paged, LINK),
    )
    parameters += [header for is_used, header in usual if is_used] + list(headers)
    parameters += [WWW_AUTHENTICATE, RETRY_AFTER]
    parameters += [_etag(status)] if tagged or shows_etag else []
    parameters += [_replayed(status)] if changes else []
    responses: dict[Any, Any] = {status: OpenApiResponse(answers, description=summary)}
    if isinstance(answers, dict):  # files declare their media types
        responses = {(status, kind): what for kind, what in answers.items()}
    if tagged:
        responses[304] = OpenApiResponse(description="Not changed since it was read.")
    if waits and changes:
        responses[202] = OpenApiResponse(answers, description="Sent without waiting for the answer.")
    if accepted:
        responses[202] = OpenApiResponse(answers, description="The work goes on in the background.")
    for code in sorted(codes):
        responses[code] = OpenApiResponse(problem(code), description=REASONS[code])
    if deprecated is not None:
        description = "\n\n".join(filter(None, (deprecated.sentence, description)))
        parameters += [_header("Deprecation", (status,), "Since when: `@` and the seconds since 1970.")]
        parameters += [_header("Sunset", (status,), "The day from which the operation may be gone.")]
    describe = extend_schema(
        summary=summary,
        description=description or None,
        tags=[tag],
        request=body,
        responses=responses,
        parameters=parameters,
        deprecated=deprecated is not None or None,
    )

    def decorate(method: Method) -> Method:
        method.deprecation = deprecated  # type: ignore[attr-defined]  # read by `deprecation.of`
        return describe(method)

    return decorate
