"""The certificates that our CAs have issued."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.authority import CertificateAuthority
from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class IssuedCertificate(models.Model):
    """A certificate of a CA of ours: of a station, or of this server. The revocation list follows from it."""

    class Type(models.TextChoices):
        STATION = "ChargingStationCertificate", _("Station")
        V2G = "V2GCertificate", _("Station towards vehicles")
        V2G_20 = "V2G20Certificate", _("Station towards vehicles (ISO 15118-20)")
        SERVER = "server", _("This server")

    class State(models.TextChoices):
        ISSUED = "issued", _("Issued")
        # CertificateSigned was answered with Accepted.
        INSTALLED = "installed", _("Installed")
        # The station has logged on with it.
        ACTIVE = "active", _("In use")
        # The station has it and went on with, or back to, another one (2.1 A02.FR.28).
        NOT_ADOPTED = "not_adopted", _("Not adopted")
        REFUSED = "refused", _("Refused by the station")
        SUPERSEDED = "superseded", _("Superseded")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    authority = models.ForeignKey(
        CertificateAuthority, on_delete=models.PROTECT, related_name="issued", verbose_name=_("CA")
    )
    charge_point = models.ForeignKey(
        ChargePoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="issued_certificates",
        verbose_name=_("station"),
    )
    type = models.CharField(max_length=32, choices=Type.choices)
    serial = models.CharField(max_length=40, help_text=_("Hexadecimal digits in lower case."))
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64, unique=True)
    # No second station gets a certificate for the same key.
    key_sha256 = models.CharField(
        _("SHA-256 of the key"), max_length=64, blank=True, default="", db_default="", db_index=True
    )
    subject = models.CharField(max_length=500)
    certificate = models.TextField(help_text=_("PEM."))
    chain = models.TextField(blank=True, default="", help_text=_("PEM of the CAs below the root."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.ISSUED)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    first_used_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the station first logged on with it.")
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # When a superseded certificate is revoked.
    revoke_at = models.DateTimeField(null=True, blank=True)
    # When the station was asked to renew it, and when its end was announced.
    renewal_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revocation_reason = models.CharField(max_length=32, blank=True, default="")

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("issued certificate")
        verbose_name_plural = _("issued certificates")
        constraints = [
            models.UniqueConstraint(fields=["authority", "serial"], name="issued_certificate_serial_unique"),
        ]
        indexes = [
            models.Index(fields=["charge_point", "type", "-id"], name="issued_by_station"),
            models.Index(fields=["state", "-id"], name="issued_by_state"),
            models.Index(
                fields=["revoke_at"], condition=models.Q(revoke_at__isnull=False), name="issued_to_revoke"
            ),
        ]

    def __str__(self) -> str:
        return self.subject
