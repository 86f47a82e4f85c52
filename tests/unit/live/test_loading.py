"""Loading many stations at once gives the same live state as loading each alone, with the queries of one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Command, Connector, Evse
from ocpp_server.live.extensions import load_station, load_stations
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V201
from transactions.live.expected_starts import EXPECTED_STARTS
from transactions.live.stations import RECENT_TRANSACTIONS
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage, RemoteStart, Transaction, TransactionEvent

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def add_station(identity: str, *, transactions: int = 0) -> ChargePoint:
    """Add a station with two connectors, an old transaction that still runs, and ended ones after it."""
    charge_point = ChargePoint.objects.create(identity=identity, registration_status="Accepted")
    for number in (1, 2):
        evse = Evse.objects.create(charge_point=charge_point, number=number)
        Connector.objects.create(charge_point=charge_point, evse=evse, number=1, status="Available")
    for number in range(transactions):
        row = Transaction.objects.create(
            id=1000 * charge_point.pk + 1000 + number,
            ocpp_id=f"T{number}",
            charge_point=charge_point,
            id_token=f"CARD{number}",
            status="ended" if number else "active",
            started_at=NOW,
            start_received_at=NOW,
            last_message_at=NOW,
        )
        for seq_no, kind in enumerate(("Started", "Updated")):
            TransactionEvent.objects.create(
                transaction=row,
                seq_no=seq_no,
                type=kind,
                fingerprint=seq_no,
                payload="{}",
                at=NOW,
                received_at=NOW,
            )
    return charge_point


def wait_for_a_start(charge_point: ChargePoint) -> None:
    command = Command.objects.create(
        id=str(uuid.uuid4()),
        charge_point=charge_point,
        action="RemoteStartTransaction",
        payload={},
        created_at=NOW,
        deadline_at=NOW,
    )
    RemoteStart.objects.create(
        command=command,
        charge_point=charge_point,
        id_token="ALICE",
        evse_number=1,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=1),
    )
    QuarantinedMessage.objects.create(
        charge_point=charge_point,
        action="StopTransaction",
        reason="unknown-transaction",
        payload="{}",
        received_at=NOW,
    )


def loaded_state(station: Station) -> dict[str, Any]:
    """The loaded attributes of a station; the order of the transactions counts too."""
    return {
        "identity": station.identity,
        "version": station.version,
        "status": station.registration_status,
        "connectors": station.connectors,
        "transactions": list(station.transactions.items()),
        "slots": station.slots,
    }


def test_stations_loaded_together_have_the_state_of_stations_loaded_alone() -> None:
    new = add_station("NEW")
    few = add_station("FEW", transactions=3)
    many = add_station("MANY", transactions=RECENT_TRANSACTIONS + 4)
    wait_for_a_start(few)
    wanted = [(many.pk, V201), (new.pk, V16), (few.pk, V201)]

    together = load_stations(wanted)

    assert [loaded_state(station) for station in together] == [
        loaded_state(load_station(*each)) for each in wanted
    ]
    of_many, of_new, of_few = together
    # The running transaction at any age, and the newest of the others.
    assert len(of_many.transactions) == RECENT_TRANSACTIONS + 1
    assert [state.is_active for state in of_many.transactions.values()][-1]
    assert all(state.seq_types == {0: "Started", 1: "Updated"} for state in of_many.transactions.values())
    assert len(of_few.transactions) == 3
    assert (len(EXPECTED_STARTS.of(of_few)), ORPHANS.of(of_few).count) == (1, 1)
    assert not of_new.transactions and sorted(of_new.connectors) == [(1, 1), (2, 1)]


def test_two_loads_of_one_station_at_one_moment_share_no_object() -> None:
    charge_point = add_station("TWICE", transactions=2)
    wait_for_a_start(charge_point)

    one, other = load_stations([(charge_point.pk, V16), (charge_point.pk, V16)])

    assert loaded_state(one) == loaded_state(other)
    assert all(one.transactions[number] is not other.transactions[number] for number in one.transactions)
    assert all(one.connectors[place] is not other.connectors[place] for place in one.connectors)
    assert all(mine is not its for mine, its in zip(one.slots, other.slots, strict=True))


def test_a_hundred_stations_cost_as_many_queries_as_one() -> None:
    pks = [add_station(f"CP-{number}", transactions=1).pk for number in range(100)]
    with CaptureQueriesContext(
        connection,
    ) as of_one:
        load_stations([(pks[0], V16)])

    with CaptureQueriesContext(connection) as of_all:
        stations = load_stations([(pk, V16) for pk in pks])

    assert len(stations) == 100
    assert len(of_all) == len(of_one) <= 15


def test_a_removed_station_is_reported_as_removed() -> None:
    with pytest.raises(ChargePoint.DoesNotExist):
        load_stations([(12345, V16)])
