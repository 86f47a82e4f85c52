"""Evidence for support: refused connections, deviations, security events and device events."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from ocpp_server.sites import UNKNOWN, SiteManager


class RefusedConnection(models.Model):
    """A refused handshake and the reason, as a sentence."""

    identity = models.CharField(max_length=255, blank=True, default="", db_index=True)
    remote_address = models.CharField(max_length=64, blank=True, default="")
    path = models.CharField(max_length=1000)
    subprotocols = models.CharField(max_length=500, blank=True, default="", help_text=_("As offered."))
    had_credentials = models.BooleanField(default=False)
    code = models.PositiveIntegerField(help_text=_("HTTP status, or WebSocket close code."))
    reason = models.CharField(max_length=500)
    can_be_accepted = models.BooleanField(
        default=False, help_text=_("The identity is unknown and can be accepted as a new station.")
    )
    count = models.PositiveIntegerField(default=1, help_text=_("Number of attempts in a row."))
    at = models.DateTimeField(_("time"), db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.identity or self.path or self.remote_address}: {self.reason}"

    @classmethod
    def of_sites(cls, ids: frozenset[int]) -> models.Q:
        """Refusals there, and of unknown stations: a new one is refused before it has a site."""
        named = ChargePoint._base_manager.filter(identity_key=Lower(models.OuterRef("identity")))
        if UNKNOWN not in ids:
            return models.Q(models.Exists(named.filter(site_id__in=ids)))
        return ~models.Q(models.Exists(named.exclude(site_id__in=ids)))


class Deviation(models.Model):
    """A station's deviation from the specification, counted, with one example."""

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="deviations")
    kind = models.CharField(max_length=64)
    action = models.CharField(max_length=64, blank=True, default="")
    path = models.CharField(max_length=255, blank=True, default="")
    detail = models.CharField(max_length=500, blank=True, default="")
    example = models.TextField(
        blank=True, default="", help_text=_("The first frame of this kind, shortened.")
    )
    count = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "kind", "action", "path"], name="deviation_once_per_station_and_kind"
            )
        ]
        indexes = [models.Index(fields=["kind", "-last_at"], name="deviation_by_kind")]

    def __str__(self) -> str:
        return f"{self.charge_point}: {self.kind} {self.action} {self.path}"


class SecurityEvent(models.Model):
    """A SecurityEventNotification (2.0.1 A04, 1.6 security extension), or an event that the server noticed.

    An event without a station is a failed login to the admin or the API.
    """

    charge_point = models.ForeignKey(
        ChargePoint, null=True, blank=True, on_delete=models.CASCADE, related_name="security_events"
    )
    type = models.CharField(max_length=255)
    tech_info = models.TextField(blank=True, default="")
    from_station = models.BooleanField(default=True)
    is_critical = models.BooleanField(
        _("critical"),
        default=False,
        db_default=False,
        help_text=_("By OCPP's list for the version of the station."),
    )
    at = models.DateTimeField(_("time"), help_text=_("The station's time where it is plausible."))
    received_at = models.DateTimeField(db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-received_at"]
        indexes = [
            models.Index(
                fields=["-received_at"],
                condition=models.Q(is_critical=True),
                name="critical_security_event",
            )
        ]

    def __str__(self) -> str:
        return f"{self.charge_point or 'This server'}: {self.type}"


class DeviceEvent(models.Model):
    """One event of a NotifyEvent (2.0.1 N07, N08): a new value of a component's variable."""

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="device_events")
    event_id = models.BigIntegerField()
    component = models.CharField(max_length=255)
    component_instance = models.CharField(max_length=255, blank=True, default="")
    evse_number = models.PositiveIntegerField(null=True)
    connector_number = models.PositiveIntegerField(null=True)
    variable = models.CharField(max_length=255)
    variable_instance = models.CharField(max_length=255, blank=True, default="")
    trigger = models.CharField(max_length=64, blank=True, default="")
    actual_value = models.TextField(blank=True, default="")
    tech_code = models.CharField(max_length=255, blank=True, default="")
    tech_info = models.TextField(blank=True, default="")
    is_cleared = models.BooleanField(_("cleared"), default=False)
    kind = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text=_("HardWiredNotification, HardWiredMonitor, PreconfiguredMonitor or CustomMonitor."),
    )
    monitor_id = models.BigIntegerField(
        _("monitor ID"), null=True, help_text=_("The station's number of the monitor.")
    )
    severity = models.PositiveSmallIntegerField(
        null=True, help_text=_("From 0, danger, to 9, for debugging (2.1).")
    )
    cause = models.BigIntegerField(null=True, help_text=_("The event that led to this one."))
    ocpp_transaction_id = models.CharField(
        _("session"),
        max_length=36,
        blank=True,
        default="",
        db_default="",
        help_text=_("The station's id of the session that it belongs to."),
    )
    at = models.DateTimeField(_("time"))
    received_at = models.DateTimeField(db_index=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            # A repeated NotifyEvent contains the same event again. Ids restart after a boot, so the time is
            # part of the key.
            models.UniqueConstraint(
                fields=["charge_point", "event_id", "at", "component", "variable"], name="device_event_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.component}.{self.variable} = {self.actual_value}"
