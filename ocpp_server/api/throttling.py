"""The rate limit of each caller: requests per minute, counted in the shared cache."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ocpp_server.api import per_minute
from ocpp_server.api.authentication import principal


class PrincipalThrottle(BaseThrottle):
    """API_REQUESTS_PER_MINUTE of each caller."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return True  # only /health needs no credentials, and it is cheap
        counted = per_minute.count("api:rate", principal(request))
        return bool(counted <= max(1, settings.API_REQUESTS_PER_MINUTE))

    def wait(self) -> float:
        return per_minute.seconds_left()
