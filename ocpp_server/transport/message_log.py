"""The rows of the message log: one for each request and its answer, with secrets masked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

from django.conf import settings
from django.core.signals import setting_changed

from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_text
from ocpp_server.protocol.actions import LOG_ON_DEMAND
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.protocol.errors import RpcFrameworkError
from ocpp_server.protocol.secrets import MAY_HOLD_SECRETS
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import station_store


class _Logged:
    """The settings of the message log, read once: every message needs them, and reading one from Django's
    settings costs half a microsecond.
    """

    everything: bool
    heartbeats: bool

    @classmethod
    def read(cls, **_signal: object) -> None:
        cls.everything, cls.heartbeats = settings.OCPP_MESSAGE_LOG, settings.OCPP_LOG_HEARTBEATS


_Logged.read()
setting_changed.connect(_Logged.read)


def record_incoming(station: Station, exchange: Exchange) -> None:
    """Add the row of a station's request to the unit of its message. A broken frame is logged whatever its
    action is.
    """
    call, error = exchange.call, exchange.error
    if not _Logged.everything or (
        call.action in LOG_ON_DEMAND and not _Logged.heartbeats and not isinstance(error, RpcFrameworkError)
    ):
        return
    # A tuple in the order of the table's columns, not keywords: this row is made for every message.
    row = (
        station.pk,
        "in",
        call.id,
        call.action[:64],
        masked_text(call.payload, call.action, is_known=error is None and station.has_only_known_fields),
        # The answers of the server to all other actions contain no secrets.
        masked_text(exchange.answer, call.action) if call.action in MAY_HOLD_SECRETS else exchange.answer,
        error.code_for(station.version) if error else "",
        error.description[:1000] if error else "",
        len(station.frame),
        exchange.ms,
        station.received_at,
    )
    station.unit.append(station_store.port.app.messages, row)


class Addressee(Protocol):
    """The station that a command was sent to."""

    @property
    def pk(self) -> int: ...


def record_outgoing(
    station: Addressee,
    unit: Unit,
    *,
    message_id: str,
    action: str,
    request: str,
    response: str = "",
    error_code: str = "",
    error_description: str = "",
    duration_ms: float | None,
    echoes: Collection[str] = (),
) -> None:
    """Add the row of a finished command to the unit. `echoes` are the secrets of the request, which the
    answer may repeat.
    """
    if not _Logged.everything:
        return
    unit.insert(
        station_store.port.app.messages,
        charge_point_id=station.pk,
        direction="out",
        message_id=message_id,
        action=action,
        request=masked_text(request, action),
        response=masked_text(response, action, echoes=echoes),
        error_code=error_code[:64],
        error_description=error_description[:1000],
        size=len(request),
        duration_ms=duration_ms,
        at=datetime.now(UTC),
    )
