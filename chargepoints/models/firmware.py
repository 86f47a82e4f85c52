"""Firmware that stations install, and who has downloaded it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chargepoints.models.campaign import Campaign
from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled

# 1.6 security extension, 2.0.1 and 2.1: FirmwareType.
MOST_SIGNATURE = 800
MOST_CERTIFICATE = 5500


class FirmwareFile(models.Model):
    """A firmware that this server hosts, or one at another address.

    It is checked when it is added (`services.firmware.signing`) and never changed.
    """

    name = models.CharField(max_length=100)
    vendor = models.CharField(max_length=255, blank=True, default="", help_text=_("Empty for any vendor."))
    model = models.CharField(max_length=255, blank=True, default="", help_text=_("Empty for any model."))
    version = models.CharField(
        max_length=255, help_text=_("The version that a station reports in its boot after the installation.")
    )
    file_name = models.CharField(
        max_length=100, blank=True, default="", help_text=_("The last part of the address, for stations.")
    )
    size = models.BigIntegerField(null=True, blank=True, help_text=_("In bytes."))
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, default="")
    md5 = models.CharField(
        _("MD5"), max_length=32, blank=True, default="", help_text=_("The checksum of a PublishFirmware.")
    )
    # The name of the file in FIRMWARE_DIR. It is never made of anything that a client sends.
    stored_as = models.CharField(max_length=64, blank=True, default="", editable=False)
    url = models.CharField(
        _("external address"),
        max_length=2000,
        blank=True,
        default="",
        help_text=_("Where stations find the file if this server does not host it. Secrets masked."),
    )
    # Only for an address with secrets: the whole address, encrypted.
    sealed_url = models.TextField(blank=True, default="", editable=False)
    signature = models.CharField(
        max_length=MOST_SIGNATURE, blank=True, default="", help_text=_("Base64, over the whole file.")
    )
    signing_certificate = models.TextField(blank=True, default="", help_text=_("PEM."))
    certificate_expires_at = models.DateTimeField(null=True, blank=True)
    verified = models.BooleanField(
        _("signature verified"),
        default=False,
        help_text=_("The signature belongs to the certificate and to the SHA-256 of the file."),
    )
    uploaded_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("firmware file")
        verbose_name_plural = _("firmware files")
        constraints = [
            models.UniqueConstraint(
                fields=["stored_as"], condition=~Q(stored_as=""), name="firmware_file_once"
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(version=""), name="firmware_is_named"),
            models.CheckConstraint(
                condition=Q(stored_as="") & ~Q(url="")
                | Q(url="", sealed_url="", size__isnull=False) & ~Q(stored_as="") & ~Q(sha256=""),
                name="firmware_is_hosted_or_elsewhere",
            ),
            models.CheckConstraint(
                condition=Q(signature="", signing_certificate="", verified=False)
                | ~Q(signature="") & ~Q(signing_certificate="") & ~Q(sha256=""),
                name="firmware_whole_signature",
            ),
        ]
        indexes = [
            models.Index(fields=["vendor", "model", "-id"], name="firmware_by_model"),
            models.Index(fields=["version", "-id"], name="firmware_by_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def is_hosted(self) -> bool:
        """Whether stations download it from this server."""
        return bool(self.stored_as)

    @property
    def is_signed(self) -> bool:
        """Whether it is offered with a signature: by SignedUpdateFirmware in 1.6."""
        return bool(self.signature)


class FirmwareDownload(models.Model):
    """The address at which one station may download one file, and what it has downloaded from it.

    Each offer makes a row: a retry gets another address, and a download that is under way goes on.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        BEGUN = "begun", _("Begun")
        COMPLETE = "complete", _("Complete")
        EXPIRED = "expired", _("Expired")

    firmware = models.ForeignKey(
        FirmwareFile, on_delete=models.CASCADE, related_name="downloads", db_index=False
    )
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="firmware_downloads", db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, related_name="firmware_downloads"
    )
    # The digest of a random secret: what makes the address secret.
    key_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text=_("The station may use the address until then."))
    # The parts that were sent, as [first, end] pairs in order, without overlaps.
    sent_parts = models.JSONField(default=list, editable=False)
    bytes_sent = models.BigIntegerField(
        default=0, help_text=_("In bytes; more than the file if parts were sent twice.")
    )
    request_count = models.PositiveIntegerField(_("requests"), default=0)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    client_address = models.CharField(max_length=64, blank=True, default="")
    last_request_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the last missing part was sent.")
    )

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("firmware download")
        verbose_name_plural = _("firmware downloads")
        indexes = [
            models.Index(fields=["firmware", "-id"], name="firmware_download_by_file"),
            models.Index(fields=["charge_point", "-id"], name="firmware_download_by_station"),
        ]

    def __str__(self) -> str:
        return titled(f"{self.firmware} to {self.charge_point}", self.created_at)

    @property
    def state(self) -> FirmwareDownload.State:
        """Its course: complete when all bytes were sent, expired when its time was up before that."""
        if self.completed_at is not None:
            return self.State.COMPLETE
        if self.expires_at < timezone.now():
            return self.State.EXPIRED
        return self.State.BEGUN if self.bytes_sent else self.State.WAITING


class FirmwareDownloadRequest(models.Model):
    """One request of a station at the address of a download."""

    site_through = ("download",)

    download = models.ForeignKey(FirmwareDownload, on_delete=models.CASCADE, related_name="log")
    method = models.CharField(max_length=8)
    status = models.PositiveSmallIntegerField()
    first_byte = models.BigIntegerField(null=True, help_text=_("Of the part that was asked for."))
    last_byte = models.BigIntegerField(null=True)
    bytes_sent = models.BigIntegerField(default=0)
    client_address = models.CharField(max_length=64, blank=True, default="")
    began_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, help_text=_("Empty while it is served."))

    objects = SiteManager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("request of a firmware download")
        verbose_name_plural = _("requests of firmware downloads")

    def __str__(self) -> str:
        return titled(f"{self.method} {self.status}", self.began_at)
