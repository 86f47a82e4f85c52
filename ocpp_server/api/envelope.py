"""The envelope of every answer, `{"success", "message", "data"}`, and the strict parser of JSON bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from ocpp_server import error_codes
from ocpp_server.protocol.frames import MAX_DEPTH


def shape(message: str, data: Mapping[str, Any] | None = None, *, success: bool = True) -> dict[str, Any]:
    """The envelope as a dictionary. `message` is a sentence for people, `data` is for programs."""
    return {"success": success, "message": message, "data": {} if data is None else data}


def answer(
    message: str,
    data: Mapping[str, Any] | None = None,
    *,
    success: bool = True,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """An answer in the envelope. A refusal has a `code` in its data, by its status if `data` has none."""
    if status >= 400:
        data = {"code": error_codes.of_status(status).value, **(data or {})}
    return Response(shape(message, data, success=success), status=status, headers=headers)


def refusal(
    message: str,
    status: int,
    data: Mapping[str, Any] | None = None,
    *,
    code: error_codes.Code | None = None,
    param: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    """A refusal with its code. `param` names the wrong field, parameter or header, if there is one."""
    named = {"code": (code or error_codes.of_status(status)).value} | ({"param": param} if param else {})
    return answer(message, {**named, **(data or {})}, success=False, status=status, headers=headers)


def _other(value: object) -> Any:
    """Convert values unknown to orjson: lazy texts, and the list and dict subclasses of the serializers."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return str(value)


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"  # equivalent: the generator of the OpenAPI document wants a name, of any kind
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=_other, option=orjson.OPT_NON_STR_KEYS)


class JsonParser(BaseParser):
    """Parses JSON by RFC 8259: no NaN, no lone surrogates. It refuses NUL, which PostgreSQL can't store, and
    bodies that are nested deeper than MAX_DEPTH, the limit for messages of stations.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read()
        try:
            value = orjson.loads(raw or b"{}")
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        # Later code walks through the value by recursion, so its depth must be limited.
        may_be_deep = raw.count(b"[") + raw.count(b"{") > MAX_DEPTH  # equivalent: spares a walk
        if may_be_deep and is_deeper(value, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
        if b"\\u0000" in raw and has_nul(value):
            raise ParseError("The body contains the character U+0000, which can't be stored.")
        return value


def is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects nest deeper than `limit`. A loop, not recursion; and not a regular
    expression, which would block other threads during a large text.
    """
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


def has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(has_nul, value))


class AlwaysJson(BaseContentNegotiation):
    """Answers with JSON, whatever the Accept header is, instead of 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        # A body without a Content-Type is parsed as JSON; another type is refused with 415.
        kind = (request.content_type or "").split(";")[0].strip().lower()
        if kind in ("", "application/json") or kind.endswith("+json"):
            return parsers[0]
        return None

    def select_renderer(
        self, request: Any, renderers: Any, format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class MultipartForms(AlwaysJson):
    """A body is parsed as a multipart form, by the first parser of the view; another one is refused (415)."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        kind = (request.content_type or "").split(";")[0].strip().lower()
        return parsers[0] if kind == "multipart/form-data" else None
