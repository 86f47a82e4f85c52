"""The page with the certificates that this server knows, the first to end first."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from certificates.models import CertificateAuthority, InstalledCertificate, IssuedCertificate, TrustRoot
from certificates.services.certificates import expiry
from certificates.services.certificates.expiry import Ending, Kind
from ocpp_server.admin import access, tones
from ocpp_server.rights import Right

_MODELS: Final[dict[Kind, type[Model]]] = {
    Kind.AUTHORITY: CertificateAuthority,
    Kind.ROOT: TrustRoot,
    Kind.ISSUED: IssuedCertificate,
    Kind.INSTALLED: InstalledCertificate,
}
_WORDS: Final = {
    Kind.AUTHORITY: _("Certificate authority"),
    Kind.ROOT: _("Trusted root"),
    Kind.ISSUED: _("Issued certificate"),
    Kind.INSTALLED: _("Installed certificate"),
}


class Line(NamedTuple):
    """One certificate on the page. `href` is empty where its kind has no page."""

    ending: Ending
    kind: str
    href: str
    left: str
    tone: str


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    access.require(request.user, Right.READ)
    found, total = expiry.listed()
    context = {
        **admin.site.each_context(request),
        "title": gettext("Expiring certificates"),
        "opts": TrustRoot._meta,
        "lines": [_line(one) for one in found],
        "total": total,
    }
    return TemplateResponse(request, "operator/expiring.html", context)


def _line(one: Ending) -> Line:
    days = one.days
    tone = tones.DANGER if days < expiry.NOTICES[-1] else tones.WARNING if days < expiry.NOTICES[0] else ""
    left = gettext("%(days)s days") % {"days": days} if days >= 0 else gettext("expired")
    return Line(one, str(_WORDS[one.kind]), _href(one), left, tone)


def _href(one: Ending) -> str:
    model: Any = _MODELS[one.kind]
    if not admin.site.is_registered(model):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[one.pk])
