"""Messages that a station sends late, twice or in the wrong order, when the live state no longer has their
transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from ocpp_server.protocol.versions import V16, V201, VERSIONS
from tests.direct import messages
from tests.direct.accounts import a_contract, a_token
from tests.direct.station import DirectStation
from transactions.models import QuarantinedMessage, Reading, Transaction

pytestmark = pytest.mark.django_db(transaction=True)

ENDS_AT = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
ENDS = "2027-01-02T03:04:05.000Z"


def ago(minutes: float) -> str:
    return (timezone.now() - timedelta(minutes=minutes)).isoformat()


async def start(charger: DirectStation, at: str, uid: str = "CARD", **more: Any) -> dict[str, Any]:
    request = {"connectorId": 1, "idTag": uid, "meterStart": 1000, "timestamp": at} | more
    return await charger.ask(("StartTransaction", request))


async def stop(charger: DirectStation, number: int, at: str, uid: str = "CARD", **more: Any) -> Any:
    request = {"transactionId": number, "idTag": uid, "meterStop": 1500, "timestamp": at} | more
    return await charger.ask(("StopTransaction", request))


async def event(charger: DirectStation, kind: str, seq_no: int, at: str, **more: Any) -> dict[str, Any]:
    action, request = messages.event(kind, "T1", seq_no, version=charger.station.version, evse=1)
    return await charger.ask((action, request | {"timestamp": at} | more))


def rows() -> list[Transaction]:
    return list(Transaction.objects.order_by("pk"))


def kinds(charger: DirectStation) -> set[str]:
    return {kind for kind, _, _ in charger.station.deviations}


# -- repeated --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "in_doubt"), [(5.1, False), (600, False), (0, True)])
async def test_a_repeated_start_that_was_queued_offline_is_found_in_the_database(
    station: Any, run_orm: Any, minutes: float, in_doubt: bool
) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    at = ago(minutes)
    first = await start(charger, at)
    charger.station.transactions.clear()
    charger.station.in_doubt = in_doubt

    again = await start(charger, at, " card ")

    assert again == first
    assert "repeated-start" in kinds(charger)
    assert [row.pk for row in await run_orm(rows)] == [first["transactionId"]]


async def test_a_start_without_a_time_is_repeated_only_while_its_transaction_runs(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    first, again, other = [
        (await start(charger, "", **more))["transactionId"]
        for more in ({}, {"idTag": " card "}, {"connectorId": 2})
    ]
    await stop(charger, first, ago(0))
    later = (await start(charger, ""))["transactionId"]

    assert (again, len({first, other, later})) == (first, 3)
    fingerprints = [row.start_fingerprint for row in await run_orm(rows)]
    assert len(set(fingerprints)) == 3


@pytest.mark.parametrize(
    "change", [{"meterStart": 1001}, {"idTag": "OTHER"}, {"connectorId": 2}, {"timestamp": ago(11)}]
)
async def test_another_offline_start_is_no_repetition(station: Any, run_orm: Any, change: Any) -> None:
    charger = await station(V16)
    at = ago(10)
    await start(charger, at)
    charger.station.transactions.clear()

    await start(charger, at, **change)

    assert len(await run_orm(rows)) == 2
    assert "repeated-start" not in kinds(charger)


async def test_an_offline_start_is_marked_and_an_online_one_is_not(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    for minutes in (5.1, 4.9):
        await start(charger, ago(minutes))

    assert [row.was_offline for row in await run_orm(rows)] == [True, False]


async def test_a_repeated_stop_is_found_in_the_database_under_any_number(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    await run_orm(a_token)
    begun = (await start(charger, ago(10)))["transactionId"]
    at = ago(1)
    first = await stop(charger, -1, at)
    charger.station.transactions.clear()

    again = [await stop(charger, number, at) for number in (-1, begun)]

    assert again == [first, first] == [{"idTagInfo": {"status": "Accepted"}}] * 2
    (row,) = await run_orm(rows)
    assert (row.energy_wh, row.suspect_reasons) == (500, ["connector-unknown: 1", "matched-without-number"])
    assert not await run_orm(QuarantinedMessage.objects.exists)


async def test_messages_about_a_transaction_that_is_no_longer_in_memory_find_it(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    number = (await start(charger, ago(10)))["transactionId"]

    charger.station.transactions.clear()
    values = [{"timestamp": ago(5), "sampledValue": [{"value": "1200"}]}]
    request = {"connectorId": 1, "transactionId": number, "meterValue": values}
    await charger.ask(("MeterValues", request))
    charger.station.transactions.clear()
    await stop(charger, number, ago(1))

    (row,) = await run_orm(rows)
    assert (row.status, row.energy_wh) == ("ended", 500)
    assert (await run_orm(Reading.objects.get)).transaction_id == number


@pytest.mark.parametrize("kind", ["Started", "Updated", "Ended"])
async def test_a_repeated_event_that_was_queued_offline_is_found_in_the_database(
    station: Any, run_orm: Any, kind: str
) -> None:
    charger = await station(V201)
    at = ago(10)
    await event(charger, "Started", 0, at, offline=True)
    if kind != "Started":
        await event(charger, kind, 1, at, offline=kind == "Started")
    charger.station.transactions.clear()

    seq_no = 0 if kind == "Started" else 1
    await event(charger, kind, seq_no, at, **({"offline": True} if kind == "Started" else {"offline": False}))

    (row,) = await run_orm(rows)
    assert row.generation == 0
    assert "repeated-event" in kinds(charger)


# -- in another order ------------------------------------------------------------------------------------


async def test_an_offline_start_that_is_replayed_late_does_not_end_what_runs_now(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    running = (await start(charger, ago(1)))["transactionId"]

    late = (await start(charger, ago(60)))["transactionId"]
    newer = (await start(charger, ago(0)))["transactionId"]

    assert {row.pk: row.ended_by for row in await run_orm(rows)} == {
        running: "superseded",
        late: "superseded",
        newer: "",
    }
    begun = {row.pk: row for row in await run_orm(rows)}
    assert begun[running].stopped_at == begun[newer].started_at


@pytest.mark.parametrize(("offline", "ended_by"), [(True, ""), (False, "superseded")])
async def test_only_an_online_start_of_2_x_ends_what_runs_on_its_evse(
    station: Any, run_orm: Any, offline: bool, ended_by: str
) -> None:
    charger = await station(V201)
    await event(charger, "Started", 0, ago(2))

    await event(charger, "Started", 0, ago(1), offline=offline, transactionInfo={"transactionId": "T2"})

    assert [row.ended_by for row in await run_orm(rows)] == [ended_by, ""]


async def test_a_stop_that_came_first_waits_for_the_start_of_its_token(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    for uid in ("CARD", "OTHER"):
        await run_orm(a_token, uid)
    await stop(charger, -1, ago(1))

    other = (await start(charger, ago(8), "OTHER", connectorId=2))["transactionId"]
    own = (await start(charger, ago(7)))["transactionId"]

    assert {row.pk: row.status for row in await run_orm(rows)} == {other: "active", own: "ended"}
    row = await run_orm(Transaction.objects.get, pk=own)
    assert (row.energy_wh, row.suspect_reasons[-1]) == (500, "stop-came-first")
    kept = await run_orm(QuarantinedMessage.objects.get)
    assert (kept.transaction_id, kept.resolved_at is not None) == (own, True)


# -- the end of a token's validity -----------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("owner", ["token", "contract", "both"])
async def test_every_answer_about_a_token_says_until_when_it_is_valid(
    station: Any, run_orm: Any, version: str, owner: str
) -> None:
    charger = await station(version)

    def token() -> None:
        until = {"contract": ENDS_AT, "both": ENDS_AT + timedelta(days=1)}.get(owner)
        a_token(
            contract=a_contract(valid_until=until) if until else None,
            expires_at=None if owner == "contract" else ENDS_AT,
        )

    await run_orm(token)
    begun = await charger.start("CARD")
    answers = [await charger.authorize("CARD"), begun, await charger.stop(begun, "CARD")]

    name = "expiryDate" if version == V16 else "cacheExpiryDateTime"
    assert [answer[name] for answer in answers] == [ENDS] * 3


async def test_the_answer_to_a_repeated_start_says_it_too(station: Any, run_orm: Any) -> None:
    old, new = await station(V16), await station(V201, "CP-2")
    await run_orm(a_token, expires_at=ENDS_AT, group_id="FAMILY")
    token = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
    at = ago(0)

    pairs = [
        [(await start(old, at))["idTagInfo"] for _ in range(2)],
        [(await event(new, "Started", 0, at, **token))["idTokenInfo"] for _ in range(2)],
    ]

    assert [first == again for first, again in pairs] == [True, True]
    assert pairs[0][0] | {"expiryDate": ENDS, "parentIdTag": "FAMILY"} == pairs[0][0]
    assert pairs[1][0]["cacheExpiryDateTime"] == ENDS
