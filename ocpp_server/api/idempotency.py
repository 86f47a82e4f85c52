"""Idempotency-Key: a state-changing request that is sent twice takes effect once."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.authentication import principal
from ocpp_server.api.idempotency_store import StoredRequest, port
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MAX_LENGTH = 255
KEPT_FOR = timedelta(hours=24)
# Longer than any command may take. The process of an unanswered request this old has died.
ABANDONED_AFTER = timedelta(minutes=5)
# The statuses of requests that had no effect: the same request may be sent again.
_WITHOUT_EFFECT = frozenset({400, 401, 403, 404, 405, 412, 415, 422, 429, 500, 503})
# The fields of an answer that name the commands that were sent.
_NAMES_OF_SENT = frozenset({"requestId", "requestIds"})


class Replay(Exception):
    """This request was answered before; `response` is the stored answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


def claim(request: Request) -> StoredRequest | None:
    """Claim the request's key; None for a request without one.

    Raises Replay when it was answered before, Conflict when the key belongs to another request or to one
    that is still being answered.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not key.strip() or len(key) > MAX_LENGTH or not key.isprintable():
        raise Invalid(f"{HEADER} must be 1 to {MAX_LENGTH} printable characters.", field=HEADER)
    port.app.delete_before(timezone.now() - KEPT_FOR)
    actor, fingerprint = principal(request), _fingerprint(request)
    row = port.app.insert(actor=actor, key=key, fingerprint=fingerprint)
    return _known(actor, key, fingerprint) if row is None else row


def finish(row: StoredRequest, response: Response) -> None:
    """Store the answer for a repeated request, or free the key if the request had no effect.

    The fields of its data that `response.shown_once` names are not stored.
    """
    if response.status_code in _WITHOUT_EFFECT and not _was_sent(response):
        port.app.delete(row.pk)
        return
    # Parsed from the rendered text, so that the stored answer equals the one that was sent.
    body: Any = orjson.loads(response.rendered_content) if response.data is not None else None
    for name in getattr(response, "shown_once", ()):
        del body["data"][name]
    port.app.store_answer(row.pk, status_code=response.status_code, answer=body)


def _known(actor: str, key: str, fingerprint: str) -> StoredRequest:
    """The row of a key that was used before, if this request may take it over. Raises Replay, Conflict."""
    row = port.app.find(actor=actor, key=key)
    if row is None:
        raise Conflict(
            "The request with this Idempotency-Key has just ended without effect; send it again.",
            code=Code.IDEMPOTENCY_IN_PROGRESS,
        )
    if row.fingerprint != fingerprint:
        sentence = "This Idempotency-Key was used for another request."
        raise Conflict(sentence, code=Code.IDEMPOTENCY_CONFLICT)
    if row.status_code is not None:
        raise Replay(Response(row.answer, status=row.status_code, headers={REPLAYED: "true"}))
    # If the process of the first request died before it answered, one of the repeated requests takes over.
    if not port.app.take_over(row.pk, unanswered_since=timezone.now() - ABANDONED_AFTER):
        sentence = "The first request with this Idempotency-Key is still being answered."
        raise Conflict(sentence, code=Code.IDEMPOTENCY_IN_PROGRESS)
    return row


def _fingerprint(request: Request) -> str:
    """A digest of method, URL and body. Blanks and the order of JSON keys make no difference.

    The digest is keyed with SECRET_KEY. From a plain checksum, a reader of the table could guess a short
    secret in the body, such as a PIN.
    """
    body: Any = orjson.dumps(request.data, default=_file, option=orjson.OPT_SORT_KEYS)
    address = f"{request.method} {request.get_full_path()}\n".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), address + body, "sha256").hex()


def _file(value: UploadedFile[Any]) -> str:
    """The digest of the content of an uploaded file, without its name."""
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()


def _was_sent(response: Response) -> bool:
    """Whether a command was sent, or the first parts of one in parts. A 503 may come after that, if the
    connection is lost, and a retry would send the command again.
    """
    data = response.data.get("data") if isinstance(response.data, dict) else None
    return isinstance(data, dict) and not data.keys().isdisjoint(_NAMES_OF_SENT)
