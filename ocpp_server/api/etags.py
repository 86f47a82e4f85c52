"""ETags. With If-Match, a change is refused if another caller has changed the row in the meantime. With
If-None-Match, a caller that has the current state gets 304 without a body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.envelope import answer
from ocpp_server.domain import Outdated

HEADER = "If-Match"
_Row = TypeVar("_Row")


def tag(shown: Mapping[str, Any]) -> str:
    """The strong ETag of the data of an answer. Equal data have equal tags."""
    return f'"{hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"'


def tagged(message: str, shown: Mapping[str, Any], *, status: int = 200) -> Response:
    """The answer with its ETag."""
    plain = dict(shown)
    return answer(message, plain, status=status, headers={"ETag": tag(plain)})


def is_known(request: Request, response: Response) -> bool:
    """Whether the caller already has the state of this response (RFC 9110 section 13.1.2)."""
    wanted, current = request.headers.get("If-None-Match"), response.headers.get("ETag")
    if (
        wanted is None
        or current is None
        or request.method not in ("GET", "HEAD")
        or response.status_code != 200
    ):
        return False
    # The comparison is weak, because a proxy that compresses makes a strong tag weak.
    return wanted.strip() == "*" or current in [one.strip().removeprefix("W/") for one in wanted.split(",")]


def unchanged(response: Response) -> Response:
    """The answer 304, which has no body."""
    return Response(status=304, headers={"ETag": response.headers["ETag"]})


@contextmanager
def guarded(
    request: Request, shown: Callable[[_Row], Mapping[str, Any]], find: Callable[..., _Row], *names: str
) -> Iterator[_Row]:
    """Find and lock a row until its change is stored. `names` are the arguments of `find` from the path.

    Raises Outdated if If-Match has the tag of another state, and the errors of `find`.
    """
    with transaction.atomic():
        row = find(*names, lock=True)
        wanted = request.headers.get(HEADER)
        if wanted is not None and wanted.strip() != "*":
            _compare(wanted, shown(row))
        yield row


def _compare(wanted: str, shown: Mapping[str, Any]) -> None:
    """Compare the row with If-Match. Raises Outdated."""
    # A weak tag never matches (RFC 9110 section 13.1.1).
    if tag(dict(shown)) not in [one.strip() for one in wanted.split(",")]:
        raise Outdated
