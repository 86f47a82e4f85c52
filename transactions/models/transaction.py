"""A charging session and its 2.x events."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.fields import CompressedTextField

# A session that ended before the period has no energy in it. A union of two index look-ups: given an OR, the
# planner walks all rows.
_SINCE = """
    FROM transactions_transaction AS session, {hours} AS drawn
    WHERE session.id IN (
        SELECT id FROM transactions_transaction WHERE status = 'active'
        UNION SELECT id FROM transactions_transaction WHERE stopped_at >= %s
    ) AND CAST(drawn.key AS bigint) >= %s AND CAST(drawn.key AS bigint) < %s
    GROUP BY drawn.key
"""
_DRAWN_BY_HOUR = {
    "sqlite": "SELECT drawn.key, sum(drawn.value)" + _SINCE.format(hours="json_each(session.energy_by_hour)"),
    "postgresql": "SELECT drawn.key, sum(CAST(drawn.value AS double precision))"
    + _SINCE.format(hours="jsonb_each_text(session.energy_by_hour)"),
}


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def active(self) -> TransactionQuerySet:
        return self.filter(status=Transaction.Status.ACTIVE)

    def of_day(self, start: datetime, end: datetime) -> TransactionQuerySet:
        return self.filter(started_at__gte=start, started_at__lt=end)

    def drawn_by_hour(self, start: datetime, end: datetime) -> dict[int, float]:
        """Wh of all sessions by hour; the keys are seconds since 1970 of the hour's start.

        Sessions of earlier versions, which have no hours, are left out.
        """
        since = connection.ops.adapt_datetimefield_value(start)
        with connection.cursor() as cursor:
            cursor.execute(
                _DRAWN_BY_HOUR[connection.vendor], [since, int(start.timestamp()), int(end.timestamp())]
            )
            return {int(hour): float(wh) for hour, wh in cursor.fetchall()}


class Transaction(models.Model):
    """One charging session of one vehicle. `id` is the number that the server issues: from 1000, rising,
    never reused; in 1.6 it is the transactionId.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        ENDED = "ended", _("Ended")

    class EndedBy(models.TextChoices):
        RUNNING = "", _("Still running")
        STATION = "station", _("Station")
        SUPERSEDED = "superseded", _("A newer session on the connector")
        ABANDONED = "abandoned", _("No more messages")
        REFUSED = "refused", _("The token was refused and the connector is free")
        INTERRUPTED = "interrupted", _("The station restarted and the connector is free")
        LOST = "lost", _("The station no longer has the session")
        OPERATOR = "operator", _("Operator")

    # 31 bits, as in 1.6. An IntegerField is the row id itself in SQLite; a BigIntegerField would be an index
    # beside it.
    id = models.IntegerField(primary_key=True)
    ocpp_id = models.CharField(
        max_length=255, help_text=_("2.x: the station's transactionId; 1.6: the number.")
    )
    generation = models.PositiveIntegerField(
        default=0, help_text=_("Rises when a station uses an old transactionId for a new session.")
    )
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    evse_number = models.PositiveIntegerField(null=True, blank=True)
    connector_number = models.PositiveIntegerField(null=True, blank=True)
    token = models.ForeignKey(
        Token, null=True, blank=True, on_delete=models.SET_NULL, related_name="transactions"
    )
    id_token = models.CharField(
        max_length=255, blank=True, default="", db_index=True, help_text=_("As presented.")
    )
    id_token_type = models.CharField(max_length=32, blank=True, default="")
    group_id = models.CharField(max_length=36, blank=True, default="")
    authorization_status = models.CharField(
        max_length=32, blank=True, default="", help_text=_("As answered.")
    )
    authorization_reason = models.CharField(
        max_length=300, blank=True, default="", help_text=_("Why the token was refused or accepted.")
    )
    start_fingerprint = models.CharField(
        max_length=64, null=True, blank=True, editable=False, help_text=_("Recognises a repeated start.")
    )
    stop_fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    # No index: queries start from the merged session.
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("The session that has the energy of this one."),
    )
    remote_start_id = models.BigIntegerField(null=True, blank=True)
    reservation_id = models.BigIntegerField(null=True, blank=True)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    ended_by = models.CharField(max_length=16, choices=EndedBy.choices, default=EndedBy.RUNNING, blank=True)
    charging_state = models.CharField(max_length=32, blank=True, default="")
    stop_reason = models.CharField(max_length=64, blank=True, default="")
    stop_id_token = models.CharField(max_length=255, blank=True, default="")
    stop_authorization_status = models.CharField(
        max_length=32, blank=True, default="", help_text=_("As answered.")
    )
    stop_authorization_reason = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text=_("Why the token could end it, or why it was refused."),
    )
    meter_start_wh = models.FloatField(null=True, blank=True)
    meter_stop_wh = models.FloatField(null=True, blank=True)
    meter_last_wh = models.FloatField(
        null=True, blank=True, help_text=_("The latest reading of the energy register.")
    )
    energy_wh = models.FloatField(
        default=0, help_text=_("Never negative; a register reset starts a new delta.")
    )
    energy_by_hour = models.JSONField(
        null=True,
        blank=True,
        help_text=_("Wh by hour of consumption; keys are seconds since 1970 of the hour's start."),
    )
    registers = models.TextField(
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("The state of the earlier readings, for the next one; JSON."),
    )
    power_w = models.FloatField(null=True, blank=True, help_text=_("The latest Power.Active.Import."))
    soc_percent = models.FloatField(null=True, blank=True)
    operation_mode = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text=_("2.1: such as ChargingOnly or Idle."),
    )
    station_tariff_id = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text=_("2.1: the tariff that the station uses."),
    )
    counts_cost = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("2.1: the station calculates the cost, and the server sends none."),
    )
    preconditioning_status = models.CharField(
        max_length=32, blank=True, default="", db_default="", help_text=_("2.1: of the vehicle's battery.")
    )
    evse_sleep = models.BooleanField(
        null=True, blank=True, help_text=_("2.1: whether the electronics of the EVSE sleep.")
    )
    limits = models.JSONField(
        null=True,
        blank=True,
        help_text=_("2.1: the limits that are wanted, sent to the station, and set by it."),
    )
    limits_asked = models.JSONField(null=True, blank=True, help_text=_("2.1: the limits of an operator."))
    charges_battery = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("A battery in a slot of a battery swap station is charged: no session of a driver."),
    )
    last_seq_no = models.IntegerField(null=True, blank=True)
    missing_seq_nos = models.JSONField(default=list, blank=True)
    was_offline = models.BooleanField(default=False, help_text=_("At least one message was reported late."))
    is_interrupted = models.BooleanField(
        default=False, help_text=_("The station restarted while the session was running.")
    )
    suspect = models.BooleanField(default=False, db_index=True)
    suspect_reasons = models.JSONField(default=list, blank=True)

    started_at = models.DateTimeField(_("started"))
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    start_received_at = models.DateTimeField()
    stop_received_at = models.DateTimeField(null=True, blank=True)
    last_message_at = models.DateTimeField(help_text=_("Server time of the last message."))
    updated_at = models.DateTimeField(
        default=timezone.now,
        db_default=Now(),
        editable=False,
        help_text=_("Server time of the last change, except messages of a running session."),
    )

    objects = SiteManager.from_queryset(TransactionQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.UniqueConstraint(
                fields=["charge_point", "ocpp_id", "generation"], name="transaction_ocpp_id_unique"
            ),
            models.UniqueConstraint(
                fields=["charge_point", "start_fingerprint"], name="transaction_start_unique"
            ),
            models.CheckConstraint(condition=models.Q(id__gte=1000), name="transaction_number_from_1000"),
            models.CheckConstraint(
                condition=models.Q(energy_wh__gte=0), name="transaction_energy_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="transaction_by_station"),
            models.Index(fields=["status", "-id"], name="transaction_by_status"),
            models.Index(fields=["started_at"], name="transaction_by_start"),
            models.Index(fields=["stopped_at"], name="transaction_by_stop"),
            # Not changed by the messages of a running session: each would write the index.
            models.Index(fields=["updated_at"], name="transaction_by_change"),
        ]

    def __str__(self) -> str:
        return f"Session {self.id}"

    @property
    def has_drawn(self) -> bool:
        """Whether the vehicle has drawn any energy."""
        return self.energy_wh > 0

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def number_at_station(self) -> int:
        """The station's 1.6 transactionId: the server's number, unless another system issued one."""
        digits = self.ocpp_id
        return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else self.id


class TransactionEvent(models.Model):
    """One TransactionEvent as the station sent it (2.0.1 E01-E15). The session's state follows from its
    events in the order of seqNo.
    """

    site_through = ("transaction",)

    class Type(models.TextChoices):
        STARTED = "Started", _("Started")
        UPDATED = "Updated", _("Updated")
        ENDED = "Ended", _("Ended")

    # No index: the unique key begins with this column. No constraint: PostgreSQL would check each row with a
    # query, and sessions are never deleted.
    transaction = models.ForeignKey(
        Transaction, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    seq_no = models.BigIntegerField()
    type = models.CharField(max_length=16)
    trigger_reason = models.CharField(max_length=64, blank=True, default="")
    charging_state = models.CharField(max_length=64, blank=True, default="")
    fingerprint = models.BigIntegerField(help_text=_("Checksum of the payload: recognises a repetition."))
    offline = models.BooleanField(default=False)
    payload = CompressedTextField(
        null=True, db_column="payload_packed", before="payload_text", help_text=_("JSON as received.")
    )
    # Only rows of the releases that stored plain texts have one.
    payload_text = models.TextField(db_column="payload", default="", editable=False)
    at = models.DateTimeField(_("time"))
    received_at = models.DateTimeField()

    objects = SiteManager()

    class Meta:
        ordering = ["transaction_id", "seq_no", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["transaction", "seq_no", "fingerprint"], name="transaction_event_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} event {self.seq_no} of session {self.transaction_id}"
