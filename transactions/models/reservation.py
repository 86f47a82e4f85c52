"""Reservations: an EVSE, or any EVSE of a station, that is kept free for a token."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Token
from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager
from transactions.models.transaction import Transaction

# 1.6 has no message about an expiry, and the clock of a station may be slow: a reservation ends this much
# later here.
EXPIRY_GRACE: Final = timedelta(seconds=60)


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def live(self) -> ReservationQuerySet:
        """The reservations that their stations hold, or may hold."""
        return self.filter(state__in=Reservation.LIVE)


class Reservation(models.Model):
    """A reservation that was requested of a station. Its number is the one in the messages."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ACCEPTED = "accepted", _("Reserved")
        REFUSED = "refused", _("Rejected by the station")
        UNANSWERED = "unanswered", _("No answer: the station may hold it")
        USED = "used", _("Used by a session")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")
        ENDED = "ended", _("Ended by the station")

    class Reason(models.TextChoices):
        # Refused: the station's answer, or why it got no request.
        OCCUPIED = "occupied", _("The EVSE is occupied")
        FAULTED = "faulted", _("The EVSE is faulted")
        UNAVAILABLE = "unavailable", _("The EVSE is out of service")
        REJECTED = "rejected", _("The station does not reserve")
        ERROR = "error", _("The station answered with an error")
        NOT_SENT = "not-sent", _("The station did not get the request")
        # Unanswered.
        SILENT = "silent", _("No answer in time")
        INVALID = "invalid", _("The station's answer was not valid")
        # Ended.
        REMOVED = "removed", _("The station removed it")
        RELEASED = "released", _("The EVSE became available before the expiry")
        UNKNOWN = "unknown", _("The station did not know it when it was cancelled")
        REPLACED = "replaced", _("Another reservation replaced it")
        NO_TRANSACTION = "no-transaction", _("No session started after it was used")

    # A station holds at most one of them on an EVSE.
    LIVE = (State.REQUESTED, State.ACCEPTED, State.UNANSWERED)

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="reservations", db_index=False
    )
    number = models.BigIntegerField(
        _("number"),
        db_index=True,
        help_text=_("The reservation's ID in OCPP; different for each reservation of a station."),
    )
    evse_number = models.PositiveIntegerField(
        _("EVSE"), null=True, blank=True, help_text=_("Empty for any EVSE of the station.")
    )
    connector_type = models.CharField(
        _("connector type"), max_length=50, blank=True, default="", help_text=_("2.x: only of this type.")
    )
    token = models.ForeignKey(
        Token, null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )
    id_token = models.CharField(_("token"), max_length=255, db_index=True)
    id_token_type = models.CharField(
        max_length=32, blank=True, default="", help_text=_("2.x IdTokenType; empty in 1.6.")
    )
    group_id = models.CharField(
        _("group"), max_length=36, blank=True, default="", help_text=_("Its tokens may use it too.")
    )
    expires_at = models.DateTimeField(_("expires"))
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.REQUESTED)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason.choices, blank=True, default="")
    command = models.ForeignKey(
        Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )
    cancel_command = models.ForeignKey(
        Command, null=True, blank=True, on_delete=models.SET_NULL, related_name="cancelled_reservations"
    )
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )
    requested_at = models.DateTimeField(_("requested"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    shown_at = models.DateTimeField(
        _("shown"), null=True, blank=True, help_text=_("When the station first reported Reserved.")
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"), db_index=True)

    objects = SiteManager.from_queryset(ReservationQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [
            models.UniqueConstraint(fields=["charge_point", "number"], name="reservation_number"),
            models.UniqueConstraint(
                fields=["charge_point", "evse_number"],
                condition=models.Q(state__in=("requested", "accepted", "unanswered")),
                name="reservation_one_per_evse",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="reservation_by_station"),
            models.Index(fields=["state", "expires_at"], name="reservation_by_expiry"),
            models.Index(fields=["requested_at"], name="reservation_by_request"),
        ]

    def __str__(self) -> str:
        return f"{self.number} at {self.charge_point}: {self.get_state_display()}"
