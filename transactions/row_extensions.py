"""Fields that sessions add to lists of the app chargepoints: see `ocpp_server.api.extensions`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from chargepoints.models import Command, Connector
from ocpp_server.api.extensions import RowExtension, extend
from transactions.models import RemoteStart, Transaction
from transactions.serializers import RemoteOutcomeSerializer, RunningSerializer


def running(connectors: Sequence[Connector]) -> list[Transaction | None]:
    """The active transaction on each connector; without a connector it runs on connector 1 of its EVSE."""
    stations = {connector.charge_point_id for connector in connectors}
    active = Transaction.objects.active().filter(charge_point__in=stations).order_by("id")
    found = {(row.charge_point_id, row.evse_number, row.connector_number or 1): row for row in active}
    return [found.get((one.charge_point_id, one.evse.number, one.number)) for one in connectors]


def remote_starts(commands: Sequence[Command]) -> list[RemoteStart | None]:
    """The remote start of each command; None when the command is not a remote start."""
    return [getattr(command, "remote_start", None) for command in commands]


extend("connectors", RowExtension("transaction", partial(RunningSerializer, allow_null=True), running))
extend(
    "commands",
    RowExtension(
        "remoteStart",
        partial(RemoteOutcomeSerializer, allow_null=True, help_text="The outcome of a remote start."),
        remote_starts,
        joined=("remote_start",),
    ),
)
