"""What a loaded station still waits for: the transactions of remote starts, and the starts of stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server.live.extensions import load_station, load_stations
from ocpp_server.protocol.versions import V16, V201
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.live.unmatched import ORPHANS, UNKNOWN_NUMBERS
from transactions.models import QuarantinedMessage, RemoteStart

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def a_remote_start(charger: ChargePoint, command_id: str = "c-1", **more: Any) -> RemoteStart:
    Command.objects.create(
        id=command_id,
        charge_point=charger,
        action="RemoteStartTransaction",
        payload={},
        created_at=NOON,
        deadline_at=NOON,
    )
    values = {"id_token": "CARD", "created_at": NOON, "expires_at": NOON + timedelta(minutes=5)}
    return RemoteStart.objects.create(command_id=command_id, charge_point=charger, **(values | more))


def test_a_waiting_remote_start_is_loaded_with_all_its_values() -> None:
    charger = ChargePoint.objects.create(identity="CP-1")
    stored = a_remote_start(
        charger, evse_number=2, id_token=" Card ", id_token_type="Central", remote_start_id=77
    )

    assert EXPECTED_STARTS.of(load_station(charger.pk, V201)) == [
        ExpectedStart(
            pk=stored.pk,
            evse=2,
            token_key="card",
            remote_start_id=77,
            expires_at=NOON + timedelta(minutes=5),
            id_token=" Card ",
            id_token_type="Central",
            command_id="c-1",
        )
    ]


@pytest.mark.parametrize("outcome", ["started", "refused", "nothing"])
def test_a_remote_start_with_an_outcome_is_no_longer_expected(outcome: str) -> None:
    charger = ChargePoint.objects.create(identity="CP-1")
    a_remote_start(charger, outcome=outcome)

    assert EXPECTED_STARTS.of(load_station(charger.pk, V201)) == []


def test_each_station_expects_its_own_remote_starts() -> None:
    first, second = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    a_remote_start(first, "c-1")
    a_remote_start(second, "c-2")

    loaded = load_stations([(first.pk, V16), (second.pk, V16)])

    assert [[each.command_id for each in EXPECTED_STARTS.of(one)] for one in loaded] == [["c-1"], ["c-2"]]
    alone = load_station(first.pk, V16)
    assert [each.command_id for each in EXPECTED_STARTS.of(alone)] == ["c-1"]


def test_the_stops_that_wait_for_their_starts_are_counted() -> None:
    charger, other = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    for _ in range(2):
        QuarantinedMessage.objects.create(
            charge_point=charger,
            action="StopTransaction",
            reason="unknown-transaction",
            payload="{}",
            received_at=datetime.now(UTC),
        )

    loaded = load_stations([(charger.pk, V16), (other.pk, V16)])

    assert [ORPHANS.of(one).count for one in loaded] == [2, 0]
    assert UNKNOWN_NUMBERS.of(loaded[0]) == set()
