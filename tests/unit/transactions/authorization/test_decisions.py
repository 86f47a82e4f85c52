"""One decision and everything it leaves behind, with tokens and sessions in memory and no database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from ocpp_server import live
from ocpp_server.events import outbox
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Budget, Consumption, Places, TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, Verdict
from transactions.services.authorization import access
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.tables import REFUSALS

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HERE = Places(frozenset({1}))
USED_UP = (Budget("token:7", 1000, None),)


class Stored(MemoryState):
    """A live state with tokens that are never read from a database."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, tuple[TokenRecord, ...]] = {}
        self.drawn_wh: dict[str, float] = {}

    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        return self.records.get(uid_key, ())

    async def consumed(self, subject: str) -> Consumption:
        return Consumption(date(2026, 5, 4), self.drawn_wh[subject], self.drawn_wh[subject])


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    state = Stored()
    monkeypatch.setattr(live, "state", lambda: state)
    yield state


@pytest.fixture
def token(stored: Stored) -> Any:
    """Store a token under its UID, after those with the same one."""

    def store(uid: str = "CARD", **more: Any) -> TokenRecord:
        values: dict[str, Any] = {
            "pk": 7,
            "type": "RFID",
            "status": "active",
            "valid": True,
            "expires_at": None,
            "group_id": "",
        }
        record = TokenRecord(uid=uid, **(values | more))
        stored.records[uid.lower()] = (*stored.records.get(uid.lower(), ()), record)
        return record

    return store


def a_station(pk: int = 1) -> Station:
    station = Station(pk=pk, identity=f"CP-{pk}", version="ocpp2.0.1")
    station.received_at = NOON
    station.site_pk = 10
    return station


def present(station: Station, uid: str = "CARD", kind: str = "ISO14443", **more: Any) -> Any:
    return decide(station=station, token=IdToken(uid, kind), **more)


def a_session(station: Station, state: MemoryState | None = None, **more: Any) -> TransactionState:
    """A running session with the token CARD on EVSE 1, stored at the station and in the live state."""
    values: dict[str, Any] = {
        "station": station.identity,
        "evse": 1,
        "token_key": "card",
        "authorization_status": "Accepted",
        "started_at": NOON,
        "last_message_at": NOON,
    }
    number = 1000 + len(station.transactions) + 100 * station.pk
    session = TransactionState(id=number, ocpp_id=str(number), **(values | more))
    station.transactions[number] = session
    if state is not None:
        state.transaction_changed(session)
    return session


def rows(station: Station) -> list[dict[str, Any]]:
    return [
        dict(zip(REFUSALS.names, row, strict=True))
        for table, row in station.unit.inserts
        if table is REFUSALS
    ]


def events(station: Station) -> list[tuple[str, dict[str, Any]]]:
    """The events of the station's message: their types and data."""
    names = outbox.port.app.table.names
    found = [
        dict(zip(names, row, strict=True))
        for table, row in station.unit.inserts
        if table is outbox.port.app.table
    ]
    assert all((row["station"], row["site_id"]) == (station.identity, station.site_pk) for row in found)
    return [(row["type"], orjson.loads(row["data"])) for row in found]


def spoken(purpose: Purpose) -> str:
    return "authorize" if purpose is Purpose.IDENTIFY else purpose.value


# -- what a decision says and leaves behind ------------------------------------------------------------------


async def test_an_accepted_token_is_described_and_leaves_only_its_last_use(token: Any) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    token(group_id="FAMILY", is_master=True, contract_id="C-1", expires_at=until)
    station = a_station()

    decision = await present(station, "card")

    assert decision == Decision(
        Verdict.ACCEPTED,
        group_id="FAMILY",
        expires_at=until,
        token_pk=7,
        is_unknown=False,
        reason="",
        is_master=True,
        contract_id="C-1",
    )
    assert (station.used_tokens, station.unit.inserts) == ([7], [])


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("place", [None, Place(2, 1)])
async def test_a_refusal_is_a_row_and_an_event_with_all_its_facts(
    token: Any, purpose: Purpose, place: Place | None
) -> None:
    token("CARD-4711", status="blocked")
    station = a_station()

    decision = await present(station, "card-4711", purpose=purpose, place=place)

    facts = {"status": "Blocked", "reason": "The token is blocked.", "purpose": spoken(purpose)}
    evse = 2 if place else None
    assert decision == Decision(Verdict.BLOCKED, token_pk=7, reason="The token is blocked.")
    assert station.used_tokens == []
    assert rows(station) == [
        {
            "charge_point_id": 1,
            "evse_number": evse,
            "token_id": 7,
            "id_token": "card-4711",
            "at": NOON,
            **facts,
        }
    ]
    assert events(station) == [
        ("token.refused", {"idTag": "card••••", "tokenId": 7, "evseId": evse, **facts})
    ]


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("place", [None, Place(2, 1)])
async def test_an_unknown_token_is_a_row_and_an_event_of_its_own(
    stored: Stored, purpose: Purpose, place: Place | None
) -> None:
    station = a_station()

    decision = await present(station, " ", purpose=purpose, place=place)

    assert decision == Decision(Verdict.UNKNOWN, is_unknown=True, reason="Unknown token.")
    evse = 2 if place else None
    assert events(station) == [
        ("token.unknown", {"idTag": " ••••", "purpose": spoken(purpose), "evseId": evse})
    ]
    [row] = rows(station)
    assert (row["token_id"], row["purpose"], row["evse_number"]) == (None, spoken(purpose), evse)
    assert (row["status"], row["reason"]) == ("Unknown", "Unknown token.")


async def test_long_texts_of_a_refusal_are_cut_to_their_columns(token: Any) -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    token("X" * 255, contract_id="N" * 400, contract_status="suspended")
    station = a_station()

    decision = await present(station, "X" * 255 + " " * 9)

    [row] = rows(station)
    assert row["id_token"] == "X" * 255
    assert (row["reason"], len(row["reason"])) == (decision.reason[:300], 300)


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("is_chosen", [True, False])
async def test_every_presented_token_is_an_event_where_it_is_chosen(
    token: Any, settings: Any, purpose: Purpose, is_chosen: bool
) -> None:
    settings.EVENT_TYPES = ["token.presented"] if is_chosen else []
    token("GOOD-TOKEN")
    token("BAD-TOKEN", pk=8, status="lost")
    station, free = a_station(), a_station()
    free.accepts_unknown_tokens = True

    for uid in ("GOOD-TOKEN", "BAD-TOKEN", " "):
        await present(station, uid, purpose=purpose, place=Place(3, 1))
    await present(free, "NEW-TOKEN", purpose=purpose)

    found = [data for name, data in events(station) + events(free) if name == "token.presented"]
    word = spoken(purpose)
    expected = [
        ("GOOD••••", 7, "Accepted", "", word, 3),
        ("BAD-••••", 8, "Blocked", "The token was reported lost.", word, 3),
        (" ••••", None, "Unknown", "Unknown token.", word, 3),
        ("NEW-••••", None, "Accepted", "", word, None),
    ]
    names = ("idTag", "tokenId", "status", "reason", "purpose", "evseId")
    assert found == [dict(zip(names, one, strict=True)) for one in expected] * is_chosen


# -- stations that accept every token, or none without one ---------------------------------------------------


async def test_a_station_that_accepts_unknown_tokens_keeps_nothing_about_them(stored: Stored) -> None:
    station = a_station()
    station.accepts_unknown_tokens = True

    decision = await present(station, "NEW")

    assert decision == Decision(Verdict.ACCEPTED, is_unknown=True, reason="This station accepts every token.")
    assert (station.used_tokens, station.unit.inserts) == ([], [])


async def test_a_station_that_accepts_unknown_tokens_refuses_known_ones_as_any_other(token: Any) -> None:
    station = a_station()
    station.accepts_unknown_tokens = True
    token(status="blocked")

    assert (await present(station)).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_start_without_a_token_follows_the_setting_of_the_station(
    stored: Stored, purpose: Purpose
) -> None:
    station = a_station()

    free = await present(station, "", "NoAuthorization", purpose=purpose, place=Place(1, 1))
    left_by_it = list(station.unit.inserts)
    station.refuses_free_vending = True
    refused = await present(station, "", "NoAuthorization", purpose=purpose, place=Place(1, 1))

    reason = "This station accepts no session without a token."
    assert free == Decision(Verdict.ACCEPTED, reason="The session was started without a token.")
    assert left_by_it == []
    assert refused == Decision(Verdict.INVALID, reason=reason)
    [row] = rows(station)
    assert (row["id_token"], row["token_id"], row["status"], row["reason"]) == ("", None, "Invalid", reason)
    assert (row["evse_number"], row["purpose"]) == (1, spoken(purpose))
    assert [name for name, _ in events(station)] == ["token.refused"]


# -- the token that is meant ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        ("ISO14443", "RFID"),
        ("ISO15693", "RFID"),
        ("eMAID", "APP_USER"),
        ("MacAddress", "OTHER"),
        ("Central", "AD_HOC_USER"),  # a type of OCPP that no token has: the oldest
        ("", "AD_HOC_USER"),
    ],
)
async def test_the_type_of_a_message_chooses_among_tokens_with_one_uid(
    token: Any, kind: str, chosen: str
) -> None:
    made = [
        token(pk=pk, type=type)
        for pk, type in enumerate(("AD_HOC_USER", "OTHER", "APP_USER", "RFID"), start=1)
    ]

    decision = await present(a_station(), "CARD", kind)

    assert decision.token_pk == next(record.pk for record in made if record.type == chosen)


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        ("viewer", "only a viewer"),
        ("invited", "not accepted the invitation"),
        ("removed", "has left the contract"),
        ("stranger", "not a member"),
    ],
)
async def test_a_driver_who_may_not_charge_on_the_contract_is_refused_with_the_reason(
    token: Any, bar: str, words: str
) -> None:
    token(bar=bar)

    decision = await present(a_station())

    assert decision.verdict is Verdict.INVALID
    assert words in decision.reason


# -- place, time and budget ----------------------------------------------------------------------------------

CIRCUMSTANCES: Sequence[tuple[dict[str, Any], Verdict]] = [
    ({"refused_at": HERE}, Verdict.WRONG_PLACE),
    ({"refused_at": Places(sites=frozenset({10}))}, Verdict.WRONG_PLACE),
    ({"allowed_at": (Places(frozenset({2})),)}, Verdict.WRONG_PLACE),
    ({"valid_from": datetime(9999, 1, 1, tzinfo=UTC)}, Verdict.WRONG_TIME),
    ({"budgets": USED_UP}, Verdict.NO_CREDIT),
]


@pytest.mark.parametrize(("fields", "verdict"), CIRCUMSTANCES)
async def test_place_time_and_budget_count_for_a_start_and_not_for_a_stop(
    token: Any, stored: Stored, fields: dict[str, Any], verdict: Verdict
) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(**fields)
    station = a_station()

    verdicts = {purpose: (await present(station, purpose=purpose)).verdict for purpose in Purpose}

    assert verdicts == {
        Purpose.IDENTIFY: verdict,
        Purpose.START: verdict,
        Purpose.STOP: Verdict.ACCEPTED,
    }


async def test_each_budget_is_compared_with_the_energy_of_its_own_owner(token: Any, stored: Stored) -> None:
    token(budgets=(Budget("token:7", 1000, None), Budget("contract:3", 500, None)))

    async def verdict(token_wh: float, contract_wh: float) -> Verdict:
        stored.drawn_wh = {"token:7": token_wh, "contract:3": contract_wh}
        return (await present(a_station(), purpose=Purpose.START)).verdict

    assert await verdict(999, 499) is Verdict.ACCEPTED
    assert await verdict(999, 500) is Verdict.NO_CREDIT
    assert await verdict(1000, 499) is Verdict.NO_CREDIT


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_budget_whose_energy_is_unknown_allows_nothing(token: Any, count: int) -> None:
    record = token(budgets=(USED_UP * 2))
    drawn = [Consumption(date(2026, 5, 4), 0, 0)] * count

    with pytest.raises(ValueError, match="argument 2"):
        access.circumstances(record, now=NOON, station=1, site=None, drawn=drawn)


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ({"token_key": "card"}, Verdict.ACCEPTED),
        ({"token_key": "card", "is_active": False}, Verdict.NO_CREDIT),
        ({"token_key": "other"}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": "FaMiLy"}, Verdict.ACCEPTED),
        ({"token_key": "other", "group_id": "family", "is_active": False}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": "OTHERS"}, Verdict.NO_CREDIT),
        ({"token_key": "other", "group_id": ""}, Verdict.NO_CREDIT),
        (None, Verdict.NO_CREDIT),
    ],
)
async def test_without_a_budget_only_a_token_that_may_end_a_session_here_is_accepted(
    token: Any, stored: Stored, session: dict[str, Any] | None, verdict: Verdict
) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(group_id="Family", budgets=USED_UP)
    station = a_station()
    if session is not None:
        a_session(station, **session)

    assert (await present(station)).verdict is verdict
    assert (await present(station, purpose=Purpose.START)).verdict is Verdict.NO_CREDIT


async def test_two_tokens_without_a_group_are_no_group(token: Any, stored: Stored) -> None:
    stored.drawn_wh = {"token:7": 1000.0}
    token(budgets=USED_UP)
    station = a_station()
    a_session(station, token_key="other")

    assert (await present(station)).verdict is Verdict.NO_CREDIT


async def test_a_master_pass_may_end_sessions_where_a_rule_refuses_it(token: Any) -> None:
    token(is_master=True, refused_at=HERE)

    assert (await present(a_station())).verdict is Verdict.ACCEPTED


async def test_a_blocked_token_is_blocked_also_for_the_owner_of_a_session(token: Any) -> None:
    token(user_status="suspended")
    station = a_station()
    a_session(station)

    assert (await present(station)).verdict is Verdict.BLOCKED


# -- other sessions ------------------------------------------------------------------------------------------


async def start(station: Station, place: Place | None) -> Verdict:
    decision: Decision = await present(station, purpose=Purpose.START, place=place)
    return decision.verdict


async def test_only_a_session_on_the_same_evse_of_the_same_station_is_replaced(
    token: Any, stored: Stored
) -> None:
    token()
    here, there = a_station(), a_station(2)
    a_session(here, stored)

    assert await start(here, Place(1, 1)) is Verdict.ACCEPTED
    assert await start(here, Place(2, 1)) is Verdict.CONCURRENT
    assert await start(here, None) is Verdict.CONCURRENT
    assert await start(there, Place(1, 1)) is Verdict.CONCURRENT
    assert (await present(there)).verdict is Verdict.ACCEPTED
    assert (await present(there, purpose=Purpose.STOP)).verdict is Verdict.ACCEPTED


async def test_sessions_at_once_may_be_allowed(token: Any, stored: Stored, settings: Any) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    token()
    a_session(a_station(2), stored)

    assert await start(a_station(), Place(1, 1)) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("limit", "group", "verdict"),
    [
        (0, "FAMILY", Verdict.ACCEPTED),
        (1, "family", Verdict.CONCURRENT),
        (2, "FAMILY", Verdict.ACCEPTED),
        (1, "OTHERS", Verdict.ACCEPTED),
        (1, "", Verdict.ACCEPTED),
    ],
)
async def test_the_sessions_of_a_group_are_limited(
    token: Any, stored: Stored, settings: Any, *, limit: int, group: str, verdict: Verdict
) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    settings.OCPP_GROUP_CONCURRENT_TX = limit
    token(group_id=group)
    a_session(a_station(2), stored, token_key="sister", group_id="FAMILY")
    a_session(a_station(3), stored, token_key="single", group_id="")

    assert await start(a_station(), Place(1, 1)) is verdict


async def test_the_session_of_a_group_that_a_start_replaces_does_not_count(
    token: Any, stored: Stored, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    token(group_id="FAMILY")
    station = a_station()
    a_session(station, stored, token_key="sister", group_id="FAMILY")

    assert await start(station, Place(1, 1)) is Verdict.ACCEPTED
    assert await start(station, Place(2, 1)) is Verdict.CONCURRENT


async def test_a_token_that_charges_elsewhere_is_the_reason_before_its_group(
    token: Any, stored: Stored, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    token(group_id="FAMILY")
    a_session(a_station(2), stored, group_id="FAMILY")

    decision = await present(a_station(), purpose=Purpose.START, place=Place(1, 1))

    assert decision.reason == "The token is already charging at CP-2."


async def test_a_session_counts_at_the_moment_the_message_was_received(token: Any, stored: Stored) -> None:
    """A message may wait for long in a queue."""
    token()
    a_session(a_station(2), stored)
    station = a_station()

    for hours, verdict in ((24, Verdict.CONCURRENT), (25, Verdict.ACCEPTED)):
        station.received_at = NOON + timedelta(hours=hours)
        assert await start(station, Place(1, 1)) is verdict
