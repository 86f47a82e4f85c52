"""The responses of OCSP responders, until they are out of date."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class OcspResponse(models.Model):
    """A response of one responder about one certificate, as it came.

    Nothing is believed of it without its signature, each time: a station may have named the responder.
    """

    class Status(models.TextChoices):
        GOOD = "good", _("Good")
        REVOKED = "revoked", _("Revoked")
        UNKNOWN = "unknown", _("Unknown")

    key = models.CharField(
        max_length=64, unique=True, help_text=_("SHA-256 of the hash data and of the responder's address.")
    )
    serial = models.CharField(max_length=40, help_text=_("Hexadecimal digits in lower case."))
    url = models.CharField(_("responder"), max_length=2000)
    status = models.CharField(max_length=16, choices=Status.choices)
    response = models.BinaryField(help_text=_("DER of the OCSPResponse (RFC 6960)."))
    this_update = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    fetched_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("OCSP response")
        verbose_name_plural = _("OCSP responses")

    def __str__(self) -> str:
        return self.serial
