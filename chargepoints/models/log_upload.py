"""Diagnostics and logs that operators ask stations for, and the files that arrive."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.command import Command
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled


class LogUpload(models.Model):
    """One request for a station's diagnostics or log. Its key is the requestId of a GetLog.

    The state is computed from the command, the station's notifications and the file; see
    `services.diagnostics.progress`.
    """

    class Kind(models.TextChoices):
        DIAGNOSTICS = "Diagnostics", _("Diagnostics (1.6)")
        DIAGNOSTICS_LOG = "DiagnosticsLog", _("Diagnostics log")
        SECURITY_LOG = "SecurityLog", _("Security log")
        DATA_COLLECTOR_LOG = "DataCollectorLog", _("Data collector log")

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ACCEPTED = "accepted", _("Accepted by the station")
        UPLOADING = "uploading", _("Uploading")
        RECEIVED = "received", _("Received")
        UPLOADED = "uploaded", _("Uploaded elsewhere")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected by the station")
        CANCELED = "canceled", _("Replaced by a newer request")
        EXPIRED = "expired", _("Expired")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="log_uploads", db_index=False
    )
    command = models.ForeignKey(Command, null=True, on_delete=models.SET_NULL, related_name="log_uploads")
    kind = models.CharField(max_length=32, choices=Kind.choices)
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    status = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The station's last notification.")
    )
    fault = models.CharField(
        max_length=255, blank=True, default="", help_text=_("Why the server refused the last file.")
    )
    file_name = models.CharField(
        max_length=255, blank=True, default="", help_text=_("As the station sent it.")
    )
    size = models.BigIntegerField(null=True, help_text=_("In bytes."))
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, default="")
    # The name of the file in UPLOAD_DIR. It is never made of anything that a station sends.
    stored_as = models.CharField(max_length=64, blank=True, default="", editable=False)
    # Digests of random secrets: what makes the address secret, and the login in it. Without an address of
    # ours, both are empty.
    secret_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    login_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text=_("The station may use the address until then."))
    began_at = models.DateTimeField(
        _("upload began"), null=True, help_text=_("The first byte of the last file.")
    )
    received_at = models.DateTimeField(null=True)
    # When the state was computed last.
    updated_at = models.DateTimeField(editable=False)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("station log")
        verbose_name_plural = _("station logs")
        constraints = [
            models.UniqueConstraint(
                fields=["stored_as"], condition=~Q(stored_as=""), name="log_upload_file_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="received")
                | (~Q(stored_as="") & Q(size__isnull=False, received_at__isnull=False)),
                name="log_upload_received_has_file",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="log_upload_by_station"),
            models.Index(fields=["state", "expires_at"], name="log_upload_by_state"),
            models.Index(fields=["created_at"], name="log_upload_by_time"),
        ]

    def __str__(self) -> str:
        return titled(f"{self.kind} of {self.charge_point}", self.created_at)

    @property
    def has_file(self) -> bool:
        return bool(self.stored_as)

    @property
    def is_received_here(self) -> bool:
        """Whether the station got an address of this server."""
        return bool(self.secret_hash)

    @property
    def request_id(self) -> int | None:
        """The requestId of the GetLog; a GetDiagnostics has none."""
        return None if self.kind == self.Kind.DIAGNOSTICS else self.pk
