"""Firmware that local controllers offer to the stations behind them (2.x L03, L04)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.firmware import FirmwareFile
from ocpp_server.sites import SiteManager


class PublishedFirmware(models.Model):
    """One request to publish a firmware. Its key is the id of the command."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ACCEPTED = "accepted", _("Accepted")
        DOWNLOADING = "downloading", _("Downloading")
        DOWNLOADED = "downloaded", _("Downloaded")
        VERIFIED = "verified", _("Checksum verified")
        PUBLISHED = "published", _("Published")
        UNANSWERED = "unanswered", _("No answer")
        REJECTED = "rejected", _("Rejected")
        FAILED = "failed", _("Failed")
        UNPUBLISHED = "unpublished", _("No longer published")

    id = models.CharField(primary_key=True, max_length=36, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="published_firmware",
        db_index=False,
        verbose_name=_("station"),
    )
    firmware = models.ForeignKey(
        FirmwareFile,
        null=True,
        on_delete=models.SET_NULL,
        related_name="publications",
        verbose_name=_("file"),
    )
    number = models.BigIntegerField(_("request ID"))
    location = models.CharField(
        max_length=2000, blank=True, default="", help_text=_("An address elsewhere, login masked.")
    )
    checksum = models.CharField(max_length=32, help_text=_("The MD5 of the file; it is unpublished by it."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    status = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The station's last notification.")
    )
    reason = models.CharField(max_length=600, blank=True, default="", help_text=_("Why it has failed."))
    locations = models.JSONField(
        default=list, help_text=_("The addresses at which stations behind the controller find it.")
    )
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(_("published"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("published firmware")
        verbose_name_plural = _("published firmware")
        indexes = [
            models.Index(fields=["charge_point", "-created_at"], name="published_firmware_by_station"),
            models.Index(fields=["-created_at"], name="published_firmware_by_time"),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="published_firmware_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.firmware or self.checksum} at {self.charge_point}"

    @property
    def is_current(self) -> bool:
        """Whether it is published, or may be soon."""
        return self.ended_at is None
