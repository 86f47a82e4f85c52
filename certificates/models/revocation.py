"""Revoked certificates that others have issued: single ones, and the revocation lists (CRLs) of their CAs."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    """Why a certificate was revoked, in the names of RFC 5280 5.3.1."""

    UNSPECIFIED = "unspecified", _("Unspecified")
    KEY_COMPROMISE = "keyCompromise", _("Key compromised")
    CA_COMPROMISE = "cACompromise", _("CA compromised")
    AFFILIATION_CHANGED = "affiliationChanged", _("Organization changed")
    SUPERSEDED = "superseded", _("Superseded")
    CESSATION_OF_OPERATION = "cessationOfOperation", _("No longer in use")


class RevokedCertificate(models.Model):
    """A certificate of another CA that this server refuses, whatever that CA says.

    The certificates of our CAs are revoked in their own rows.
    """

    issuer = models.CharField(max_length=500, help_text=_("The subject of the CA that issued it."))
    issuer_hash = models.CharField(max_length=64, editable=False)
    serial = models.CharField(_("serial number"), max_length=40, help_text=_("Hexadecimal digits."))
    subject = models.CharField(max_length=500, blank=True, default="")
    reason = models.CharField(max_length=32, choices=Reason.choices, default=Reason.UNSPECIFIED)
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("revoked at"), auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("revoked certificate")
        verbose_name_plural = _("revoked certificates")
        constraints = [
            models.UniqueConstraint(fields=["issuer_hash", "serial"], name="revoked_certificate_once"),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.issuer}, {self.serial}"


class RevocationList(models.Model):
    """A revocation list (CRL) of another CA: uploaded once, or fetched again from its URL by a job."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(
        "URL", max_length=500, blank=True, default="", help_text=_("Fetched again before it ends.")
    )
    issuer = models.CharField(max_length=500)
    issuer_hash = models.CharField(max_length=64, editable=False)
    # The CA that signed the list, checked when it was stored.
    issuer_certificate = models.TextField(help_text=_("PEM."))
    content = models.BinaryField(editable=False)
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64)
    entries = models.PositiveIntegerField(_("revoked certificates"))
    this_update = models.DateTimeField(_("issued at"))
    next_update = models.DateTimeField(_("valid until"), null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    # Why the last fetch failed; empty when it has not.
    fetch_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("revocation list")
        verbose_name_plural = _("revocation lists")

    def __str__(self) -> str:
        return self.name
