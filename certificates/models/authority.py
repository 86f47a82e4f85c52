"""The CAs whose keys the signer holds."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CertificateAuthority(models.Model):
    """A root or an issuing CA of ours. Its key is at the signer, and never in the database.

    A root signs issuing CAs and other roots alone; an issuing CA signs the certificates of stations.
    """

    class Usage(models.TextChoices):
        STATIONS = "stations", _("Stations and this server")
        V2G = "v2g", _("Stations towards vehicles (ISO 15118)")

    class KeyType(models.TextChoices):
        ECDSA = "ecdsa", _("ECDSA, P-256")
        RSA = "rsa", _("RSA, 3,072 bits")

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        # A root that stations still know, or an issuing CA whose certificates are still in use.
        RETIRED = "retired", _("Retired")

    name = models.CharField(max_length=100, unique=True)
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="issuing",
        verbose_name=_("root"),
    )
    usage = models.CharField(max_length=16, choices=Usage.choices, default=Usage.STATIONS)
    key_type = models.CharField(max_length=16, choices=KeyType.choices)
    key_name = models.CharField(
        max_length=100, unique=True, help_text=_("The name of the key at the signer.")
    )
    certificate = models.TextField(help_text=_("PEM."))
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64, unique=True)
    subject = models.CharField(max_length=500)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # The last revocation list, DER in base64. The signer signs the next one before it ends, or when it is
    # due.
    crl = models.TextField(blank=True, default="", db_default="", editable=False)
    crl_number = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    crl_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    crl_is_due = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("certificate authority")
        verbose_name_plural = _("certificate authorities")

    def __str__(self) -> str:
        return self.name

    @property
    def is_root(self) -> bool:
        return self.parent_id is None
