"""ETags. If-Match: a change of something that another caller has changed in the meantime is refused.
If-None-Match: a caller that has the current state gets 304 without a body.
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
    """The strong ETag of the answer's data: two states with the same data have the same tag."""
    return f'"{hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"'


def tagged(message: str, shown: Mapping[str, Any], *, status: int = 200) -> Response:
    """The answer with its ETag."""
    plain = dict(shown)
    return answer(message, plain, status=status, headers={"ETag": tag(plain)})


def is_known(request: Request, response: Response) -> bool:
    """Whether a caller that reads has this state already (RFC 9110 section 13.1.2)."""
    wanted, current = request.headers.get("If-None-Match"), response.headers.get("ETag")
    if (
        wanted is None
        or current is None
        or request.method not in ("GET", "HEAD")
        or response.status_code != 200
    ):
        return False
    # Weak comparison: a proxy that compresses makes a strong tag weak.
    return wanted.strip() == "*" or current in [one.strip().removeprefix("W/") for one in wanted.split(",")]


def unchanged(response: Response) -> Response:
    """304, which has no body."""
    return Response(status=304, headers={"ETag": response.headers["ETag"]})


@contextmanager
def guarded(
    request: Request, shown: Callable[[_Row], Mapping[str, Any]], find: Callable[..., _Row], *names: str
) -> Iterator[_Row]:
    """Lock the row that the path names until its change is stored; with If-Match, only in the state it names.

    Raises Outdated, and what `find` raises.
    """
    with transaction.atomic():
        row = find(*names, lock=True)
        _compare(request, shown(row))
        yield row


def _compare(request: Request, shown: Mapping[str, Any]) -> None:
    """Compare with If-Match, where the caller sent it. Raises Outdated."""
    wanted = request.headers.get(HEADER)
    if wanted is None or wanted.strip() == "*":
        return
    # A weak tag never matches (RFC 9110 section 13.1.1).
    if tag(dict(shown)) not in [one.strip() for one in wanted.split(",")]:
        raise Outdated
