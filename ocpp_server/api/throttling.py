"""The rate limit of each caller: requests per minute, counted in the shared cache."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ocpp_server.api import per_minute
from ocpp_server.api.authentication import principal
from ocpp_server.bounds import long_polls

# The name of the one policy, in both headers.
POLICY: Final = "minute"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The requests that a caller may still send in this minute.

    `headers` follow draft-ietf-httpapi-ratelimit-headers-10: the policy with its quota `q` in a window of `w`
    seconds, and the remaining requests `r` with the seconds `t` until they are `q` again.
    """

    quota: int
    used: int
    seconds_left: float

    @property
    def headers(self) -> dict[str, str]:
        remaining = max(0, self.quota - self.used)
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.quota};w={per_minute.WINDOW_S}',
            "RateLimit": f'"{POLICY}";r={remaining};t={math.ceil(self.seconds_left)}',
        }


class PrincipalThrottle(BaseThrottle):
    """API_REQUESTS_PER_MINUTE of each caller."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return True  # only /health needs no credentials, and it is cheap
        if long_polls.is_repeated(request._request):
            return True  # the same request was counted before it waited
        quota = max(1, settings.API_REQUESTS_PER_MINUTE)
        used = per_minute.count("api:rate", principal(request))
        if used:  # 0: not counted, so the headers would be wrong
            allowance = Allowance(quota, used, per_minute.seconds_left())
            request.allowance = allowance  # type: ignore[attr-defined]  # read by `views.ApiView`
        return bool(used <= quota)

    def wait(self) -> float:
        return per_minute.seconds_left()


def headers(request: Any) -> dict[str, str]:
    """The headers of an answer to this request; none if the request was not counted."""
    allowance: Allowance | None = getattr(request, "allowance", None)
    return {} if allowance is None else allowance.headers
