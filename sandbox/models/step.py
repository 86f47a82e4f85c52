"""A step that a virtual station is to take."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from ocpp_server.sites import SiteManager
from sandbox.models.station import VirtualStation

# How a command can fail: refused in the station's own words, without an answer, or with an error of OCPP.
FAILURES: Final = (
    "Rejected",
    "NoAnswer",
    "InternalError",
    "NotImplemented",
    "NotSupported",
    "ProtocolError",
    "SecurityError",
    "GenericError",
)


class Step(models.Model):
    """One request. The process that runs the stations takes the steps of a station in their order."""

    class Kind(models.TextChoices):
        PLUG = "plug", _("Plug in")
        UNPLUG = "unplug", _("Unplug")
        TAP = "tap", _("Tap a token")
        FAIL_NEXT = "fail-next", _("Fail the next command")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    site_through: ClassVar = ("station",)

    station = models.ForeignKey(VirtualStation, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    arguments = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text=_("Why it was refused."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteManager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("step of a virtual station")
        verbose_name_plural = _("steps of virtual stations")
        # Almost no step waits, so that the index is almost empty.
        indexes = [
            models.Index(fields=["id"], condition=models.Q(state="waiting"), name="sandbox_step_waiting"),
            models.Index(fields=["created_at"], name="sandbox_step_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"
