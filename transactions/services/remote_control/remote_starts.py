"""Remote starts and the transactions that they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.transaction import atomic

from accounts.models.token import normalise_uid
from ocpp_server.charging_profiles import start_profiles
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, lowest
from ocpp_server.storage import writes
from ocpp_server.storage.journal import journal
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.models import RemoteStart
from transactions.services.remote_control import requested_starts
from transactions.tables import REMOTE_STARTS

# Time for the driver to plug in: the usual ConnectionTimeOut is 60 s, some stations are set to minutes.
PLUG_IN_TIME = timedelta(minutes=5)
# The effect of a remote start, in events.
_STARTED = "transaction-started"


async def expect(
    *,
    station: Station,
    command_id: str,
    token: IdToken,
    evse: int | None,
    is_accepted: bool,
    remote_start_id: int | None = None,
    profile: Mapping[str, Any] | None = None,
) -> TransactionState | None:
    """Record the station's answer to a remote start, and wait for the transaction if it was accepted.
    `profile` is the charging profile that was sent with it.

    Returns the transaction when it arrived before the answer.
    """
    expires_at = station.received_at + PLUG_IN_TIME
    pk, limits = await journal.run(_prepare, command_id)
    station.unit.run(
        _create,
        pk,
        command_id=command_id,
        charge_point_id=station.pk,
        evse_number=evse,
        id_token=token.value[:255],
        id_token_type=token.type[:32],
        remote_start_id=remote_start_id,
        outcome=RemoteStart.Outcome.WAITING if is_accepted else RemoteStart.Outcome.REFUSED,
        created_at=station.received_at,
        expires_at=expires_at,
    )
    if not is_accepted:
        return None
    expected = ExpectedStart(
        pk,
        evse,
        normalise_uid(token.value),
        remote_start_id,
        expires_at,
        id_token=token.value,
        id_token_type=token.type,
        command_id=command_id,
        limits=limits,
    )
    EXPECTED_STARTS.of(station).append(expected)
    if profile is not None:
        start_profiles.app.wait(station, command_id=command_id, evse=evse, profile=profile, until=expires_at)
    for transaction in station.transactions.values():
        # Some stations send the transaction before the answer.
        is_recent = station.received_at - transaction.last_message_at < timedelta(seconds=30)
        if remote_start_id is not None and transaction.remote_start_id == remote_start_id and is_recent:
            link(station, transaction)
            return transaction
    return None


async def token_of(station: Station, remote_start_id: int | None) -> IdToken | None:
    """The token of the remote start with this number; None when the station got no such remote start."""
    if remote_start_id is None:
        return None
    for expected in EXPECTED_STARTS.of(station):
        if expected.remote_start_id == remote_start_id:
            return IdToken(expected.id_token, expected.id_token_type)
    # The remote start has expired, or another process sent it.
    return await journal.run(_token_of, station.pk, remote_start_id)


def _token_of(charge_point_pk: int, remote_start_id: int) -> IdToken | None:
    sent = RemoteStart.objects.filter(charge_point=charge_point_pk, remote_start_id=remote_start_id)
    found = sent.order_by("-id").values_list("id_token", "id_token_type").first()
    return None if found is None else IdToken(*found)


def _prepare(command_id: str) -> tuple[int, dict[str, float]]:
    """The number of the row that `_create` will add, and the limits that were promised with the command."""
    return writes.take_key(RemoteStart), requested_starts.limits_of(command_id)


def _create(pk: int, **values: Any) -> None:
    RemoteStart.objects.get_or_create(pk=pk, defaults=values)


def link(station: Station, transaction: TransactionState) -> None:
    """Link the transaction to the remote start that led to it, if there is one."""
    waiting = EXPECTED_STARTS.of(station)
    for expected in waiting:
        if expected.expires_at < station.received_at:
            continue
        if _fits(expected, transaction):
            waiting.remove(expected)
            transaction.limits_wanted = lowest(transaction.limits_wanted, expected.limits)
            start_profiles.app.begin(station, command_id=expected.command_id, transaction=transaction)
            station.unit.update(
                REMOTE_STARTS,
                expected.pk,
                outcome=RemoteStart.Outcome.STARTED.value,
                transaction_id=transaction.id,
            )
            station.emit(
                charging.EFFECT_SEEN,
                requestId=expected.command_id,
                effect=_STARTED,
                transactionId=transaction.id,
            )
            return


def _fits(expected: ExpectedStart, transaction: TransactionState) -> bool:
    if transaction.remote_start_id is not None and expected.remote_start_id is not None:
        return transaction.remote_start_id == expected.remote_start_id
    is_place = expected.evse is None or transaction.evse in (None, expected.evse)
    return is_place and expected.token_key == transaction.token_key


def expire(now: datetime) -> None:
    """Mark remote starts as failed when their time is over."""
    overdue = RemoteStart.objects.filter(outcome=RemoteStart.Outcome.WAITING, expires_at__lt=now)
    with atomic():
        # By key: a transaction may link one of them meanwhile.
        for pk, command_id, identity, site in list(
            overdue.values_list("pk", "command_id", "charge_point__identity", "charge_point__site_id")
        ):
            if overdue.filter(pk=pk).update(outcome=RemoteStart.Outcome.NOTHING):
                outbox.emit(
                    charging.EFFECT_MISSED,
                    station=identity,
                    site=site,
                    requestId=command_id,
                    effect=_STARTED,
                )
