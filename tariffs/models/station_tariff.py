"""Default tariffs of stations (2.1 I07-I10)."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from ocpp_server.sites import SiteManager


def new_key() -> str:
    return str(uuid.uuid4())


class StationTariffQuerySet(models.QuerySet["StationTariff"]):
    def current(self) -> StationTariffQuerySet:
        """The tariffs that the server wants at the station, and those of others that it has."""
        return self.filter(ended_at__isnull=True)


class StationTariff(models.Model):
    """A default tariff that was sent to a station, or that the station reports, and what became of it.

    A sent tariff is wanted until it is replaced or cleared: accepted by the answer to SetDefaultTariff,
    confirmed or missing by the answer to GetTariffs. A station may report one that this server did not send.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        CONFIRMED = "confirmed", _("Confirmed")
        MISSING = "missing", _("Not found at the station")
        FOREIGN = "foreign", _("Not sent by this server")
        REFUSED = "refused", _("Refused")
        REPLACED = "replaced", _("Replaced")
        CLEARED = "cleared", _("Cleared")

    id = models.CharField(primary_key=True, max_length=36, default=new_key, editable=False)
    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="station_tariffs",
        db_index=False,
        verbose_name=_("station"),
    )
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="station_tariffs",
        help_text=_("The command that sent it; none for a tariff that the station reported."),
    )
    tariff_id = models.CharField(_("tariff ID"), max_length=60)
    evse_number = models.PositiveIntegerField(_("EVSE"), help_text=_("0 for every EVSE."))
    tariff = models.JSONField(null=True, help_text=_("The tariff as it was sent."))
    valid_from = models.DateTimeField(null=True)
    state = models.CharField(max_length=16, choices=State.choices)
    status = models.CharField(
        max_length=32, default="", blank=True, help_text=_("The answer of the station to the tariff.")
    )
    reason = models.CharField(
        max_length=255, default="", blank=True, help_text=_("The reason that the station gave.")
    )
    evse_numbers = models.JSONField(
        _("EVSEs"), default=list, help_text=_("The EVSEs that have it by the station's last report.")
    )
    set_at = models.DateTimeField(help_text=_("When the station answered or first reported it."))
    checked_at = models.DateTimeField(null=True, help_text=_("When the station last reported its tariffs."))
    ended_at = models.DateTimeField(null=True)

    objects = SiteManager.from_queryset(StationTariffQuerySet)()

    class Meta:
        ordering = ["-set_at"]
        verbose_name = _("station tariff")
        verbose_name_plural = _("station tariffs")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    ended_at__isnull=True, state__in=("accepted", "confirmed", "missing", "foreign")
                )
                | models.Q(ended_at__isnull=False, state__in=("refused", "replaced", "cleared")),
                name="station_tariff_ends_once",
            ),
        ]
        indexes = [
            models.Index(fields=["charge_point", "-set_at"], name="station_tariff_by_station"),
            models.Index(
                fields=["charge_point"],
                condition=models.Q(ended_at__isnull=True),
                name="station_tariff_current",
            ),
            models.Index(fields=["tariff_id"], name="station_tariff_by_id"),
            models.Index(fields=["-set_at"], name="station_tariff_by_time"),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="station_tariff_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.tariff_id

    @property
    def is_current(self) -> bool:
        return self.ended_at is None
