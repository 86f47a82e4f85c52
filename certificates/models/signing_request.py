"""Requests of stations for a certificate (2.0.1 A02; 1.6 security extension A02)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.authority import CertificateAuthority
from certificates.models.issued import IssuedCertificate
from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager


class SigningRequest(models.Model):
    """A CSR of a station, from SignCertificate to the answer to CertificateSigned.

    The server stores it, the signer signs it, and the server sends the certificate. The signer trusts this
    row for the wish alone: it checks the CSR, the station, the rate and the approval itself.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for approval")
        APPROVED = "approved", _("Waiting for the signer")
        SIGNING = "signing", _("Being signed")
        SIGNED = "signed", _("To be sent")
        SENT = "sent", _("Sent")
        INSTALLED = "installed", _("Accepted by the station")
        REFUSED = "refused", _("Refused by the station")
        UNANSWERED = "unanswered", _("Not answered")
        # The CSR was answered with Rejected.
        REJECTED = "rejected", _("Rejected")
        # An administrator has refused it after its CSR was answered with Accepted.
        DECLINED = "declined", _("Declined")
        FAILED = "failed", _("Not signed")
        # The station has sent a newer CSR of this type.
        SUPERSEDED = "superseded", _("Replaced by a newer request")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="signing_requests",
        db_index=False,
        verbose_name=_("station"),
    )
    type = models.CharField(
        max_length=32,
        choices=[one for one in IssuedCertificate.Type.choices if one[0] != IssuedCertificate.Type.SERVER],
    )
    csr = models.TextField("CSR", help_text=_("PEM."))
    digest = models.CharField(_("SHA-256 of the CSR"), max_length=64, blank=True, default="")
    key_sha256 = models.CharField(_("SHA-256 of the key"), max_length=64, blank=True, default="")
    common_name = models.CharField(_("common name"), max_length=255, blank=True, default="")
    # 2.1: the number that CertificateSigned repeats.
    request_number = models.BigIntegerField(null=True, blank=True, help_text=_("requestId of OCPP 2.1."))
    authority = models.ForeignKey(
        CertificateAuthority,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="signing_requests",
        verbose_name="CA",
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True, default="", help_text=_("Why it has this state."))
    approved_by = models.CharField(max_length=150, blank=True, default="")
    approved_at = models.DateTimeField(null=True, blank=True)
    # When the signer has taken it.
    claimed_at = models.DateTimeField(null=True, blank=True)
    certificate = models.OneToOneField(
        IssuedCertificate,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="request",
        verbose_name=_("certificate"),
    )
    # The last CertificateSigned; its id is stored before it is sent.
    command_id = models.CharField(max_length=36, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often the certificate was sent."))
    # When the next step is due: to send the certificate, or to look for the answer.
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("signing request")
        verbose_name_plural = _("signing requests")
        indexes = [
            models.Index(fields=["charge_point", "type", "-id"], name="signing_request_by_station"),
            models.Index(fields=["state", "-id"], name="signing_request_by_state"),
            models.Index(fields=["key_sha256"], name="signing_request_by_key"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="signing_request_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point}: {self.get_type_display()}"

    @property
    def is_open(self) -> bool:
        """Whether the station may still get its certificate."""
        return self.state in OPEN


State = SigningRequest.State
# The states in which the certificate may still come.
OPEN = frozenset({State.WAITING, State.APPROVED, State.SIGNING, State.SIGNED, State.SENT})
