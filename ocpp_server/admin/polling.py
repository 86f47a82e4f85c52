"""Views that the scripts of the admin poll every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from ocpp_server.admin import access


def staff_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 401 instead of a redirect when the session has ended, because the script can handle only
    that.
    """

    @wraps(view)
    @never_cache
    @require_GET
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not access.may_read(request.user):
            return JsonResponse({"detail": gettext("You are signed out.")}, status=401)
        return view(request, *args, **kwargs)

    return guarded
