"""S01-S14 for profiles 0 to 2: authentication, secrets that are never shown, and limits for stations."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import V16, V201, VERSIONS, Operator, Records, fresh, station

PASSWORD = "correct horse battery"


async def refused(server, identity, **how):
    """Connect and be refused; the HTTP response."""
    with pytest.raises(InvalidStatus) as caught:
        async with station(server, how.pop("version", V16), identity, boot=False, **how):
            pass
    return caught.value.response


@pytest.fixture
async def guarded(operator):
    """A station with a password (security profile 1)."""
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    return identity


@pytest.mark.parametrize("version", VERSIONS)
async def test_TC_A_01_16_085_the_right_password_opens(server, records, guarded, version):
    async with station(server, version, guarded, password=PASSWORD, boot=False) as peer:
        answer = await peer.boot()
        assert records.charge_point(guarded)["is_online"] == 1

    assert answer["status"] == "Accepted"


async def test_S01_16_085_without_credentials_there_is_no_socket_and_the_station_stays_offline(
    server, records, guarded
):
    response = await refused(server, guarded)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    row = records.charge_point(guarded)
    assert (row["is_online"], row["last_seen_at"]) == (0, None)
    (refusal,) = records.refusals(guarded)
    assert (refusal["code"], refusal["had_credentials"]) == (401, 0)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"x").decode()]
)
async def test_S01_malformed_credentials_are_refused(server, guarded, header):
    response = await refused(server, guarded, headers={"Authorization": header})

    assert response.status_code == 401


async def test_S02_TC_A_02_TC_A_03_16_085_wrong_password_other_user_and_other_station_get_the_same_answer(
    server, operator, records, guarded
):
    other = fresh("SEC")
    await operator.provision(other, password="another pass phrase")

    answers = [
        await refused(server, guarded, password="wrong horse battery"),
        await refused(server, guarded, password="another pass phrase"),
        await refused(server, guarded, password=PASSWORD, user=other),
        await refused(server, other, password=PASSWORD),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({bytes(answer.body) for answer in answers}) == 1
    for identity, count in ((guarded, 3), (other, 1)):
        rows = records.refusals(identity)
        assert {(row["code"], row["had_credentials"]) for row in rows} == {(401, 1)}
        assert sum(row["count"] for row in rows) == count
        assert records.charge_point(identity)["connected_at"] is None


async def test_S02_an_unknown_identity_costs_no_password_hash(refusing):
    server = refusing
    known = [fresh("SEC") for _ in range(4)]
    for identity in known:
        await Operator(server).provision(identity, password=PASSWORD)

    async def seconds(of):
        began = time.perf_counter()
        await refused(server, of, password="wrong")
        return time.perf_counter() - began

    # Both are measured in turns, so that other load on the machine affects both. The smallest time of many
    # has the least of it.
    wrong, unknown = [], []
    for number in range(20):
        wrong.append(await seconds(known[number % 4]))
        unknown.append(await seconds(f"NOBODY-{number % 4}"))

    assert min(unknown) < min(wrong) / 2


async def test_S03_guessing_is_slowed_down_and_the_known_address_still_connects(server, records, guarded):
    codes = []
    for number in range(14):
        codes.append((await refused(server, guarded, password=f"guess number {number}")).status_code)

    assert codes[:10] == [401] * 10
    assert set(codes[10:]) == {429}
    # The real station has another address in the header of the proxy.
    elsewhere = {"X-Forwarded-For": "198.51.100.7"}
    async with station(server, V16, guarded, password=PASSWORD, headers=elsewhere) as peer:
        await peer.heartbeat()
    assert sum(row["count"] for row in records.refusals(guarded)) == 14


async def test_S03_all_addresses_of_one_ipv6_customer_are_one_guesser(server, guarded):
    codes = []
    for number in range(11):
        headers = {"X-Forwarded-For": f"2001:db8:5::{number:x}"}
        codes.append(
            (await refused(server, guarded, password=f"guess {number}", headers=headers)).status_code
        )

    assert codes == [401] * 10 + [429]
    elsewhere = {"X-Forwarded-For": "2001:db8:5:1::1"}
    async with station(server, V16, guarded, password=PASSWORD, headers=elsewhere) as peer:
        await peer.heartbeat()


async def test_S04_secrets_are_hashed_and_nowhere_shown(server, operator, records, guarded):
    async with station(server, V16, guarded, password=PASSWORD) as peer:
        key = "0123456789abcdef0123456789abcdef01234567"
        sent = asyncio.create_task(
            operator.command(guarded, "ChangeConfiguration", {"key": "WifiPSK", "value": key})
        )
        call = await peer.next_call()
        assert call[3]["value"] == key
        await peer.answer(call, {"status": "Accepted"})
        await sent
        leak = {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": key}]}
        sent = asyncio.create_task(operator.command(guarded, "GetConfiguration", {}))
        await peer.answer(await peer.next_call(), leak)
        _, data = await sent
        assert key not in json.dumps(data)
        url = "ftp://user:pass-of-upload@example.com/x"
        sent = asyncio.create_task(operator.command(guarded, "GetDiagnostics", {"location": url}))
        await peer.answer(await peer.next_call(), {})
        await sent

    row = records.charge_point(guarded)
    assert PASSWORD not in row["password_hash"]
    assert row["password_hash"].startswith("scrypt$")
    pages = [
        f"/api/v1/chargepoints/{guarded}{part}" for part in ("", "/messages", "/commands", "/configuration")
    ]
    shown = json.dumps([await operator.request("GET", page) for page in pages])
    stored = json.dumps(
        [records.of(table, guarded) for table in ("chargepoints_message", "chargepoints_command")]
    )
    log = await asyncio.to_thread(server.log.read_text, "utf-8", "replace")
    for place in (shown, stored, log):
        for secret in (key, PASSWORD, "pass-of-upload", row["password_hash"]):
            assert secret not in place


@pytest.mark.parametrize("form", ["text", "hex", "HEX", "bytes of the hex"])
async def test_S05_16_073_the_password_in_every_spelling_seen(server, operator, form):
    identity, raw = fresh("SEC"), bytes(range(0x21, 0x21 + 20))
    stored = raw.hex() if form != "text" else raw.decode()
    await operator.provision(identity, password=stored)
    given = {"text": raw, "hex": raw.hex(), "HEX": raw.hex().upper(), "bytes of the hex": raw}[form]
    if form == "HEX":
        await operator.change(identity, password=raw.hex().upper())

    async with station(server, V16, identity, password=given) as peer:
        await peer.heartbeat()


async def test_S05_colons_and_bytes_that_are_no_utf_8_belong_to_the_password(server, operator):
    colons, binary = fresh("SEC"), fresh("SEC")
    key = bytes([0xFF, 0xFE, 0x3A, 0x00, 0x80]) * 4
    await operator.provision(colons, password="a:b:c:d:e:f:g:h:i")
    await operator.provision(binary, password=key.hex())

    async with station(server, V16, colons, password="a:b:c:d:e:f:g:h:i") as peer:
        await peer.heartbeat()
    async with station(server, V16, binary, password=key) as peer:
        await peer.heartbeat()
    assert (await refused(server, colons, password="")).status_code == 401


async def test_S05_a_user_name_that_is_not_the_identity_is_tolerated_only_by_a_setting(
    server, operator, guarded
):
    assert (await refused(server, guarded, password=PASSWORD, user="admin")).status_code == 401

    await operator.change(guarded, checksUsername=False)

    async with station(server, V16, guarded, password=PASSWORD, user="admin") as peer:
        await peer.heartbeat()


async def test_S06_a_station_pinned_to_tls_is_refused_on_plain_ws(server, operator):
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)

    assert (await refused(server, identity, password=PASSWORD)).status_code == 401
    # The proxy terminated TLS and sends the header for it.
    async with station(
        server, V16, identity, password=PASSWORD, headers={"X-Forwarded-Proto": "https"}
    ) as peer:
        await peer.heartbeat()


async def test_S06_forwarded_headers_count_only_from_the_proxies_that_are_configured(make_server):
    server = make_server(FORWARDED_ALLOW_IPS="192.0.2.1")
    identity = fresh("SEC")
    await Operator(server).provision(identity, password=PASSWORD, securityProfile=2)

    response = await refused(server, identity, password=PASSWORD, headers={"X-Forwarded-Proto": "https"})

    assert response.status_code == 401


async def test_S11_F41_a_station_that_reconnects_too_often_is_refused_for_a_time_and_others_are_not(
    make_server,
):
    server = make_server()
    identity, codes = fresh(), []
    for _ in range(70):
        try:
            async with station(server, V16, identity, boot=False):
                codes.append(101)
        except InvalidStatus as error:
            codes.append(error.response.status_code)
            assert error.response.headers["Retry-After"]

    assert codes == [101] * 60 + [429] * 10
    async with station(server) as other:
        await other.heartbeat()
    (refusal,) = Records(server.database).refusals(identity)
    assert (refusal["code"], refusal["count"]) == (429, 10)


async def test_S12_unknown_stations_are_refused_and_the_operator_sees_the_attempt(
    refusing,
):
    server, identity = refusing, fresh()
    for _ in range(3):
        assert (await refused(server, identity)).status_code == 404

    records = Records(server.database)
    (refusal,) = records.refusals(identity)
    assert (refusal["count"], refusal["can_be_accepted"]) == (3, 1)
    assert records.rows("SELECT id FROM chargepoints_chargepoint WHERE identity = ?", identity) == []


async def test_S12_S13_a_pending_station_starts_no_transaction_however_often_it_connects(make_server):
    server = make_server(OCPP_UNKNOWN_STATIONS="pending")
    records, identity = Records(server.database), fresh()
    for _ in range(2):
        async with station(server, V201, identity, boot=False) as peer:
            assert (await peer.boot())["status"] == "Pending"
            answer = await peer.exchange("TransactionEvent", {})
            assert answer[:1] + answer[2:3] == [4, "SecurityError"]

    assert records.transactions(identity) == []
    assert records.quarantined(identity) == []


async def test_S11_a_station_has_a_limited_number_of_connectors(server, records):
    async with station(server, V201) as peer:
        for number in range(1, 140):
            await peer.call(
                "StatusNotification",
                {
                    "timestamp": "2026-01-01T00:00:00Z",
                    "connectorStatus": "Available",
                    "evseId": number,
                    "connectorId": 1,
                },
            )

    assert len(records.of("chargepoints_connector", peer.identity)) == 128
