"""The roots that this server trusts, or that stations are to have."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.authority import CertificateAuthority


class TrustRoot(models.Model):
    """A root certificate, by what it is good for. One certificate may be a root of several kinds.

    `csms`: stations check this server by it, and this server checks stations by it. `manufacturer`: this
    server checks the factory certificates of stations and the signatures of firmware by it. `v2g` and `mo`:
    contracts of vehicles. `oem`: provisioning certificates of vehicles.
    """

    class Kind(models.TextChoices):
        CSMS = "csms", _("CSMS")
        MANUFACTURER = "manufacturer", _("Manufacturer")
        V2G = "v2g", _("V2G")
        MO = "mo", _("Mobility operator")
        OEM = "oem", _("OEM")

    class Source(models.TextChoices):
        OWN = "own", _("Own CA")
        UPLOAD = "upload", _("Added by an operator")
        PROVIDER = "provider", _("Contract certificate provider")

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    certificate = models.TextField(help_text=_("PEM."))
    # A new root, signed by the root before it: for stations that check additional roots (2.0.1 M05.FR.09).
    cross_signed = models.TextField(blank=True, default="", help_text=_("PEM."))
    cross_signed_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="cross_signs"
    )
    authority = models.ForeignKey(
        CertificateAuthority, null=True, blank=True, on_delete=models.PROTECT, related_name="roots"
    )
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64)
    subject = models.CharField(max_length=500)
    source = models.CharField(max_length=16, choices=Source.choices, default=Source.UPLOAD)
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Whether this server trusts it, and stations may get it.")
    )
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "name", "pk"]
        verbose_name = _("trusted root")
        verbose_name_plural = _("trusted roots")
        constraints = [
            models.UniqueConstraint(fields=["kind", "sha256"], name="trust_root_once_by_kind"),
        ]

    def __str__(self) -> str:
        return self.name
