"""The revocation lists of our CAs, without a login: GET /pki/crl/<number>.crl."""

from __future__ import annotations

import base64

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.http import require_safe

from certificates.models import CertificateAuthority

# Clients may keep a list for this long; a new one follows a revocation within seconds.
_MAX_AGE_S = 300


@require_safe
def revocation_list(request: HttpRequest, number: int) -> HttpResponse:
    """The last list of the CA with this number, in DER (RFC 5280 4.2.1.13). 404 before the first one."""
    found = CertificateAuthority.objects.filter(pk=number).values_list("crl", flat=True).first()
    if not found:
        return HttpResponseNotFound("There is no such list.", content_type="text/plain")
    answer = HttpResponse(base64.b64decode(found), content_type="application/pkix-crl")
    answer["Cache-Control"] = f"public, max-age={_MAX_AGE_S}"
    return answer
