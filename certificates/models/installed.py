"""The certificates that stations have, by their own lists."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from certificates.models.issued import IssuedCertificate
from certificates.models.trust_root import TrustRoot
from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager


class InstalledCertificateQuerySet(models.QuerySet["InstalledCertificate"]):
    def current(self) -> InstalledCertificateQuerySet:
        """The certificates that the stations have, as far as their answers show."""
        return self.filter(ended_at__isnull=True)


class InstalledCertificate(models.Model):
    """A certificate in the store of a station, or one that a station has refused.

    A station names a certificate by its hash data alone (CertificateHashData). So the columns `known` hold
    what this server knows of it: the root or the issued certificate with these hashes, or the certificate
    that it has sent. `reported` is the hash data exactly as the station spells it: a deletion needs this.
    """

    class Type(models.TextChoices):
        """By its 2.x name; the CentralSystemRootCertificate of 1.6 is a CSMSRootCertificate."""

        CSMS = "CSMSRootCertificate", _("CSMS root")
        MANUFACTURER = "ManufacturerRootCertificate", _("Manufacturer root")
        V2G = "V2GRootCertificate", _("V2G root")
        MO = "MORootCertificate", _("Mobility operator root")
        OEM = "OEMRootCertificate", _("OEM root")
        V2G_CHAIN = "V2GCertificateChain", _("Chain towards vehicles")

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted, not in its list yet")
        INSTALLED = "installed", _("Installed")
        REFUSED = "refused", _("Refused by the station")
        DELETED = "deleted", _("Deleted")
        MISSING = "missing", _("Not found at the station")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="installed_certificates",
        db_index=False,
        verbose_name=_("station"),
    )
    type = models.CharField(max_length=32, choices=Type.choices)
    state = models.CharField(max_length=16, choices=State.choices)
    reason = models.CharField(
        max_length=600,
        blank=True,
        default="",
        help_text=_("The answer of the station to the last installation or deletion that it did not do."),
    )
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="installed_certificates",
        help_text=_("The command that brought it; none for one that the station alone knows."),
    )
    reported = models.JSONField(
        null=True, help_text=_("The hash data as the station spells it; none before its first report.")
    )
    children = models.JSONField(
        default=list, help_text=_("The hash data of the CAs below a chain, in the order of the station.")
    )
    algorithm = models.CharField(_("hash algorithm"), max_length=8, blank=True, default="")
    issuer_name_hash = models.CharField(max_length=128, blank=True, default="")
    issuer_key_hash = models.CharField(max_length=128, blank=True, default="")
    serial = models.CharField(max_length=40, blank=True, default="")
    root = models.ForeignKey(
        TrustRoot,
        null=True,
        on_delete=models.SET_NULL,
        related_name="installed",
        verbose_name=_("trusted root"),
    )
    is_cross_signed = models.BooleanField(
        _("cross-signed"), default=False, help_text=_("It is the cross-signed form of the root.")
    )
    issued = models.ForeignKey(
        IssuedCertificate,
        null=True,
        on_delete=models.SET_NULL,
        related_name="installed",
        verbose_name=_("issued certificate"),
    )
    certificate = models.TextField(
        blank=True, default="", help_text=_("PEM of a certificate that is no root of this server.")
    )
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64, blank=True, default="")
    subject = models.CharField(max_length=500, blank=True, default="")
    not_after = models.DateTimeField(_("valid until"), null=True)
    since = models.DateTimeField(help_text=_("When the station accepted or first reported it."))
    reported_at = models.DateTimeField(
        _("last reported"), null=True, help_text=_("When the station last reported it.")
    )
    ended_at = models.DateTimeField(null=True)

    objects = SiteManager.from_queryset(InstalledCertificateQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("installed certificate")
        verbose_name_plural = _("installed certificates")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, state__in=("accepted", "installed"))
                | models.Q(ended_at__isnull=False, state__in=("refused", "deleted", "missing")),
                name="installed_certificate_ends_once",
            ),
            models.UniqueConstraint(
                fields=[
                    "charge_point",
                    "type",
                    "serial",
                    "issuer_key_hash",
                    "issuer_name_hash",
                    "algorithm",
                ],
                condition=models.Q(ended_at__isnull=True) & ~models.Q(algorithm=""),
                name="installed_certificate_once",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="installed_cert_by_station"),
            models.Index(
                fields=["charge_point"],
                condition=models.Q(ended_at__isnull=True),
                name="installed_cert_current",
            ),
            models.Index(
                fields=["not_after"],
                condition=models.Q(ended_at__isnull=True),
                name="installed_cert_by_end",
            ),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="installed_cert_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.get_type_display()} {self.serial}"

    @property
    def is_current(self) -> bool:
        return self.ended_at is None

    @property
    def is_known(self) -> bool:
        """Whether this server knows the certificate behind the hash data."""
        return bool(self.sha256)


class CertificateInventory(models.Model):
    """The state of the list of a station: what was asked for, and when each type was last reported."""

    charge_point = models.OneToOneField(
        ChargePoint,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="certificate_inventory",
        verbose_name=_("station"),
    )
    reported: Any = models.JSONField(
        default=dict, help_text=_("The time of the last report, by the type of certificate.")
    )
    reported_at = models.DateTimeField(_("last reported"), null=True)
    wanted_since = models.DateTimeField(
        null=True, help_text=_("The list of the station must be newer than this.")
    )
    due_at = models.DateTimeField(null=True, help_text=_("When the server asks the station for its list."))
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True, default="")

    objects = SiteManager()

    class Meta:
        verbose_name = _("list of installed certificates")
        verbose_name_plural = _("lists of installed certificates")
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False),
                name="certificate_inventory_due",
            ),
        ]

    def __str__(self) -> str:
        return str(self.charge_point)
