"""The part of a person's page below the form: contracts, tokens, sessions, energy; export and erasure."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from accounts.models import Person
from ocpp_server.admin import access, tones
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number
from transactions.models import Refusal, Transaction
from transactions.services import privacy

SHOWN = 20


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/export/", site.admin_view(require_GET(export)), name="person-export"),
        path("<int:pk>/erase/", site.admin_view(erase), name="person-erase"),
    ]


def overview(request: HttpRequest, pk: str) -> dict[str, Any]:
    """The context of the page: ten queries, however many sessions the person has."""
    person = Person.objects.filter(pk=row_number(pk) or 0).first()
    if person is None:
        return {}
    tokens = list(person.tokens.select_related("contract").order_by("-pk")[:SHOWN])
    sessions = Transaction.objects.filter(token__user=person)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    this_month = sessions.filter(started_at__gte=midnight.replace(day=1))
    return {
        "person": person,
        "memberships": person.memberships.select_related("contract").order_by("pk")[:SHOWN],
        "tokens": [(token, tones.TOKEN.get(token.status, "")) for token in tokens],
        "sessions": sessions.select_related("charge_point").order_by("-pk")[:SHOWN],
        "session_count": sessions.count(),
        "energy_wh": sessions.aggregate(sum=Sum("energy_wh"))["sum"] or 0,
        "energy_of_month_wh": this_month.aggregate(sum=Sum("energy_wh"))["sum"] or 0,
        "refusals": Refusal.objects.filter(token__user=person)
        .select_related("charge_point")
        .order_by("-at")[:5],
    }


def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download all data that is stored about a person."""
    access.require(request.user, Right.PERSONAL_DATA)
    person = get_object_or_404(Person.objects.people(), pk=pk)
    answer = JsonResponse(
        privacy.export(person),
        encoder=DjangoJSONEncoder,
        json_dumps_params={"indent": 2, "ensure_ascii": False},
    )
    answer["Content-Disposition"] = f'attachment; filename="person-{person.pk}.json"'
    return answer


export.is_audited = True  # type: ignore[attr-defined]  # read by `admin.auditing`


def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows the consequences; POST erases."""
    access.require(request.user, Right.PERSONAL_DATA)
    person = get_object_or_404(Person.objects.people(), pk=pk)
    if request.method == "POST":
        try:
            erased = privacy.erase(person)
        except DomainError as error:
            messages.error(request, error.sentence)
        else:
            messages.success(
                request,
                gettext(
                    "Person erased. %(tokens)s tokens, %(sessions)s sessions and %(messages)s logged "
                    "messages no longer identify the person."
                )
                % {"tokens": erased.tokens, "sessions": erased.sessions, "messages": erased.messages},
            )
        return redirect("admin:accounts_person_change", pk)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Erase %(person)s") % {"person": person},
        "opts": Person._meta,
        "person": person,
        "token_count": person.tokens.count(),
        "session_count": Transaction.objects.filter(token__user=person).count(),
    }
    return TemplateResponse(request, "operator/erase_person.html", context)
