"""A station, its EVSEs and its connectors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chargepoints.models.site import Site
from chargepoints.models.station_state import OTHER, StationState, state_of, worse_than
from ocpp_server.protocol.versions import VERSIONS, label
from ocpp_server.sites import SiteManager

# Two devices with one identity are over when nothing was noticed for this long. A waiting connection reports
# every 20 seconds, and a device may come back after a minute.
DUPLICATE_OVER_AFTER: Final = timedelta(seconds=90)
# Columns that change with the messages of a station, or that no list shows: `updated_at` leaves them out.
UNSTAMPED: Final = frozenset({"last_seen_at", "clock_skew_s", "duplicate_at", "missing_triggers"})


class ChargePointQuerySet(models.QuerySet["ChargePoint"]):
    def update(self, **columns: Any) -> int:
        """As Django does, with `updated_at` where a list shows the change."""
        if columns.keys() - UNSTAMPED:
            columns.setdefault("updated_at", timezone.now())
        return super().update(**columns)

    def online(self) -> ChargePointQuerySet:
        return self.filter(is_online=True)

    def never_booted(self) -> ChargePointQuerySet:
        """The stations that have connected and never sent a BootNotification."""
        return self.filter(last_boot_at__isnull=True, connected_at__isnull=False)

    def of_test(self) -> ChargePointQuerySet:
        """The stations of the test site. They are left out of sums, bills and alerts."""
        return self.filter(site__is_test=True)

    def by_identity(self, identity: str) -> ChargePointQuerySet:
        """Compares without case: a station may change the spelling of its identity with an update."""
        return self.filter(identity_key=identity.casefold())

    def by_identities(self, identities: Iterable[str]) -> ChargePointQuerySet:
        return self.filter(identity_key__in={identity.casefold() for identity in identities})

    def with_statuses(self) -> ChargePointQuerySet:
        """With the statuses of all connectors, read by one query for all rows: `state` needs them."""
        statuses = Connector.objects.order_by().only("charge_point_id", "status")
        return self.prefetch_related(models.Prefetch("connectors", statuses, to_attr="loaded_connectors"))

    def in_state(self, status: str) -> ChargePointQuerySet:
        """The stations online whose state has this status."""
        worse = worse_than(status)
        hidden = _reports(*(one for one in worse if one != OTHER))
        if OTHER in worse:
            hidden |= _reports(OTHER, lookup="startswith")
        return self.online().filter(_reports(status) & ~hidden)


def _reports(*statuses: str, lookup: str = "") -> Q:
    """The condition that a station as a whole or one of its connectors has one of these statuses."""
    condition = {f"status__{lookup}": statuses[0]} if lookup else {"status__in": statuses}
    connectors = Connector.objects.order_by().filter(**condition)
    return Q(**condition) | Q(pk__in=connectors.values("charge_point"))


class ChargePoint(models.Model):
    """A charging station. The live state mirrors the columns that change with every message to this row."""

    class Registration(models.TextChoices):
        ACCEPTED = "Accepted", _("Accepted")
        PENDING = "Pending", _("Pending")
        REJECTED = "Rejected", _("Rejected")

    class Validation(models.TextChoices):
        DEFAULT = "", _("Use server default")
        TOLERANT = "tolerant", _("Tolerant")
        STRICT = "strict", _("Strict")

    class UnknownTokens(models.TextChoices):
        DEFAULT = "", _("Use server default")
        REFUSE = "refuse", _("Refuse")
        ACCEPT = "accept", _("Accept (free vending)")

    identity = models.CharField(max_length=255)
    identity_key = models.CharField(max_length=255, unique=True, editable=False)
    vendor = models.CharField(max_length=255, blank=True, default="")
    model = models.CharField(max_length=255, blank=True, default="")
    serial_number = models.CharField(max_length=255, blank=True, default="")
    firmware_version = models.CharField(max_length=255, blank=True, default="")
    iccid = models.CharField("ICCID", max_length=64, blank=True, default="")
    imsi = models.CharField("IMSI", max_length=64, blank=True, default="")
    meter_type = models.CharField(max_length=255, blank=True, default="")
    meter_serial_number = models.CharField(max_length=255, blank=True, default="")

    name = models.CharField(max_length=100, blank=True, default="")
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="charge_points"
    )
    registration_status = models.CharField(
        max_length=16, choices=Registration.choices, default=Registration.PENDING, db_index=True
    )
    password_hash = models.CharField(max_length=200, blank=True, default="", editable=False)
    # A password that was sent to the station and that it has not proved yet: the handshake accepts it beside
    # the present one. Its command may be answered until then; empty when the station has answered.
    next_password_hash = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    next_password_until = models.DateTimeField(null=True, blank=True, editable=False)
    next_password_command = models.CharField(
        max_length=36, blank=True, default="", db_default="", editable=False
    )
    security_profile = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(3)])
    # The profile to which the station is being changed: the handshake admits it beside the present one. Until
    # this time a connection at the present one proves nothing.
    next_security_profile = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    next_security_profile_until = models.DateTimeField(null=True, blank=True, editable=False)
    validation = models.CharField(
        max_length=16, choices=Validation.choices, default=Validation.DEFAULT, blank=True
    )
    unknown_tokens = models.CharField(
        max_length=16, choices=UnknownTokens.choices, default=UnknownTokens.DEFAULT, blank=True
    )
    assumed_timezone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text=_("Time zone of timestamps that the station sends without one."),
    )
    checks_username = models.BooleanField(
        _("Check user name"),
        default=True,
        help_text=_("Turn off for stations that send a user name other than their identity."),
    )

    ocpp_version = models.CharField(_("OCPP version"), max_length=16, blank=True, default="", db_index=True)
    is_online = models.BooleanField(_("online"), default=False, db_index=True)
    status = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The station's own status (1.6 connector 0).")
    )
    error_code = models.CharField(max_length=255, blank=True, default="")
    status_info = models.CharField(max_length=1000, blank=True, default="")
    boot_reason = models.CharField(max_length=64, blank=True, default="")
    # The messages that can't be triggered, as `Action.Message`, each with the firmware version that said so.
    missing_triggers = models.JSONField(null=True, blank=True, editable=False)
    firmware_status = models.CharField(max_length=64, blank=True, default="")
    diagnostics_status = models.CharField(max_length=64, blank=True, default="")
    heartbeat_interval = models.PositiveIntegerField(
        default=0, help_text=_("Seconds; 0: use server default.")
    )
    clock_skew_s = models.FloatField(
        _("clock offset"), null=True, blank=True, help_text=_("Station clock minus server clock, seconds.")
    )
    remote_address = models.CharField(max_length=64, blank=True, default="")
    connection_id = models.CharField(max_length=36, blank=True, default="", editable=False)
    close_code = models.PositiveIntegerField(null=True, blank=True)

    last_boot_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(_("last message"), null=True, blank=True, db_index=True)
    status_at = models.DateTimeField(null=True, blank=True)
    # Two devices with this identity: since when, when it was last noticed, and the addresses of both.
    duplicate_since = models.DateTimeField(null=True, blank=True, editable=False)
    duplicate_at = models.DateTimeField(null=True, blank=True, editable=False)
    duplicate_addresses = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # Set by `save`, by `update`, and by the journal (`tables.CHARGE_POINTS`), so that no writer forgets it.
    updated_at = models.DateTimeField(
        default=timezone.now,
        db_default=Now(),
        editable=False,
        help_text=_("Server time of the last change, except the time of the last message."),
    )

    objects = SiteManager.from_queryset(ChargePointQuerySet)()

    class Meta:
        ordering = ["identity_key"]
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        # The conditions of alerts look for these rows twice a minute. The partial ones are almost empty.
        indexes = [
            models.Index(fields=["connected_at"], name="station_by_connection"),
            models.Index(fields=["updated_at"], name="station_by_change"),
            models.Index(
                fields=["clock_skew_s"],
                condition=Q(clock_skew_s__gt=30) | Q(clock_skew_s__lt=-30),
                name="station_with_wrong_clock",
            ),
            models.Index(fields=["id"], condition=Q(status="Faulted"), name="station_faulted"),
        ]

    def __str__(self) -> str:
        return self.identity

    def save(self, *args: object, **kwargs: Any) -> None:
        self.identity_key = self.identity.casefold()
        names = kwargs.get("update_fields")
        if names is None or set(names) - UNSTAMPED:
            self.updated_at = timezone.now()
            if names is not None:
                kwargs["update_fields"] = {*names, "updated_at"}
        super().save(*args, **kwargs)

    @property
    def tag_names(self) -> list[str]:
        """The tags, in order. One query, or none for rows with their tags prefetched."""
        return [tag.name for tag in self.tags.all()]

    @property
    def presence(self) -> str:
        return "online" if self.is_online else "offline"

    @property
    def state(self) -> StationState:
        """The worst status of the station and its connectors. One query, or none after `with_statuses`."""
        loaded: list[Connector] | None = getattr(self, "loaded_connectors", None)
        if loaded is None:
            return state_of(self.status, list(self.connectors.order_by().values_list("status", flat=True)))
        return state_of(self.status, [connector.status for connector in loaded])

    @property
    def shown_state(self) -> StationState:
        """The state with Offline without a connection, and Online before a status is known."""
        state = self.state
        if not self.is_online:
            return StationState("Offline", state.total, state.total)
        return state if state.status else StationState("Online", state.total, state.total)

    @property
    def overall_status(self) -> str:
        """Offline without a connection; else the station's own status (1.6 connector 0), or Online."""
        return (self.status or "Online") if self.is_online else "Offline"

    @property
    def version_label(self) -> str:
        """1.6, 2.0.1 or 2.1; empty before the first connection."""
        return label(self.ocpp_version) if self.ocpp_version in VERSIONS else self.ocpp_version

    @property
    def has_never_booted(self) -> bool:
        """Whether the station has connected and never sent a BootNotification: its make is not known."""
        return self.last_boot_at is None and self.connected_at is not None

    @property
    def has_password(self) -> bool:
        return bool(self.password_hash)

    @property
    def has_unproved_password(self) -> bool:
        """Whether a new password was sent that the station has not logged on with yet."""
        return bool(self.next_password_hash)

    @property
    def duplicate(self) -> dict[str, Any] | None:
        """Since when two devices use this identity, and their addresses; None when that is over."""
        if self.duplicate_at is None or datetime.now(UTC) - self.duplicate_at > DUPLICATE_OVER_AFTER:
            return None
        return {"since": self.duplicate_since, "addresses": self.duplicate_addresses}

    @property
    def accepts_unknown_tokens(self) -> bool:
        """Whether this is a free-vend station, where unknown tokens may charge too."""
        return (self.unknown_tokens or settings.OCPP_UNKNOWN_TOKENS) == self.UnknownTokens.ACCEPT


class Evse(models.Model):
    """A place where one vehicle charges. In 1.6 every connector is its own EVSE."""

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="evses")
    number = models.PositiveIntegerField()

    objects = SiteManager()

    class Meta:
        ordering = ["number"]
        verbose_name = "EVSE"
        constraints = [models.UniqueConstraint(fields=["charge_point", "number"], name="evse_number_unique")]

    def __str__(self) -> str:
        return f"{self.charge_point}, EVSE {self.number}"


class Connector(models.Model):
    """A connector of an EVSE. `number` is the station's connectorId: unique per station in 1.6, per EVSE in
    2.x.
    """

    class Status(models.TextChoices):
        AVAILABLE = "Available", _("Available")
        PREPARING = "Preparing", _("Preparing")
        CHARGING = "Charging", _("Charging")
        SUSPENDED_EVSE = "SuspendedEVSE", _("Suspended by the EVSE")
        SUSPENDED_EV = "SuspendedEV", _("Suspended by the vehicle")
        FINISHING = "Finishing", _("Finishing")
        OCCUPIED = "Occupied", _("Occupied")
        RESERVED = "Reserved", _("Reserved")
        UNAVAILABLE = "Unavailable", _("Unavailable")
        FAULTED = "Faulted", _("Faulted")
        UNKNOWN = "", _("Not reported yet")

    class Availability(models.TextChoices):
        OPERATIVE = "Operative", _("In service")
        INOPERATIVE = "Inoperative", _("Out of service")

    charge_point = models.ForeignKey(ChargePoint, on_delete=models.CASCADE, related_name="connectors")
    evse = models.ForeignKey(Evse, on_delete=models.CASCADE, related_name="connectors")
    number = models.PositiveIntegerField()
    availability = models.CharField(
        max_length=16,
        choices=Availability.choices,
        default=Availability.OPERATIVE,
        help_text=_("Set by an operator; the status is reported by the station."),
    )
    # No choices: an unknown status of a station is kept as "Other:<text>".
    status = models.CharField(max_length=64, blank=True, default="", db_index=True)
    error_code = models.CharField(max_length=255, blank=True, default="")
    info = models.CharField(max_length=1000, blank=True, default="")
    vendor_id = models.CharField(max_length=255, blank=True, default="")
    vendor_error_code = models.CharField(max_length=255, blank=True, default="")
    is_provisional = models.BooleanField(
        _("provisional"),
        default=False,
        help_text=_("A session named the connector before the station reported its status."),
    )
    status_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Time of the change by the station's clock.")
    )
    status_received_at = models.DateTimeField(null=True, blank=True)

    objects = SiteManager()

    class Meta:
        ordering = ["evse__number", "number"]
        constraints = [models.UniqueConstraint(fields=["evse", "number"], name="connector_number_unique")]

    def __str__(self) -> str:
        return f"{self.evse}, connector {self.number}"
