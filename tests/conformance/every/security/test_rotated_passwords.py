"""Rotation of the password with which a station logs on (16-073, TC_A_09, TC_A_10)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.console import Console
from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, fresh, station
from tests.servers import LiveServer

OLD = "the-old-password"
PLACE = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


def path_of(peer: Peer) -> str:
    return f"/api/v1/chargepoints/{peer.identity}/rotate-password"


@asynccontextmanager
async def with_password(server: LiveServer, version: str) -> Any:
    """A connected station that logs on with OLD."""
    identity = fresh("ROT")
    await Operator(server).provision(identity, password=OLD)
    async with station(server, version, identity, password=OLD) as peer:
        yield peer


async def asked(operator: Operator, peer: Peer, body: dict[str, Any] | None = None) -> tuple[Any, list[Any]]:
    """The request of an operator that waits, and the CALL that the station has got."""
    asking = asyncio.create_task(operator.request("POST", path_of(peer), body or {}))
    return asking, await peer.next_call()


def value_in(call: list[Any]) -> str:
    """The new password in a CALL."""
    if call[2] == "ChangeConfiguration":
        assert call[3]["key"] == "AuthorizationKey"
        return str(call[3]["value"])
    (item,) = call[3]["setVariableData"]
    assert {"component": item["component"], "variable": item["variable"]} == PLACE
    return str(item["attributeValue"])


async def reply(peer: Peer, call: list[Any], status: str) -> None:
    result = {"setVariableResult": [{**PLACE, "attributeStatus": status}]}
    await peer.answer(call, {"status": status} if peer.version == V16 else result)


async def logs_on(server: LiveServer, peer: Peer, password: str | bytes) -> bool:
    try:
        async with station(server, peer.version, peer.identity, password=password, boot=False):
            return True
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        return False


def new_key(peer: Peer, value: str) -> bytes:
    """The password as the station sends it: 1.6 stations decode hexadecimal digits."""
    return bytes.fromhex(value) if peer.version == V16 else value.encode()


async def test_16_073_TC_A_09_after_accepted_only_the_new_password_is_valid(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        value = value_in(call)
        await reply(peer, call, "Accepted")
        status, answer = await asking
        await peer.heartbeat()  # the server closes nothing

    assert (status, answer["success"], answer["data"]["status"]) == (200, True, "Accepted")
    assert len(answer["data"]["password"]) == 20
    assert answer["data"]["passwordHex"] == answer["data"]["password"].encode().hex()
    assert value == answer["data"]["passwordHex" if version == V16 else "password"]
    assert not await logs_on(server, peer, OLD)
    assert await logs_on(server, peer, new_key(peer, value))
    assert await logs_on(server, peer, value)  # the digits as they are, too
    row = records.charge_point(peer.identity)
    assert (row["next_password_hash"], row["next_password_until"]) == ("", None)


@pytest.mark.parametrize("refusal", ["Rejected", "NotSupported"])
async def test_16_073_TC_A_10_after_a_refusal_the_old_password_stays(
    server: LiveServer, operator: Operator, records: Records, version: str, refusal: str
) -> None:
    refusal = refusal if version == V16 else {"NotSupported": "UnknownVariable"}.get(refusal, refusal)
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        value = value_in(call)
        await reply(peer, call, refusal)
        status, answer = await asking

        # The station may be asked again at once.
        again, call = await asked(operator, peer)
        await reply(peer, call, refusal)
        await again

    assert (status, answer["success"], answer["data"]["status"]) == (200, False, refusal)
    assert not {"password", "passwordHex"} & answer["data"].keys()
    assert records.charge_point(peer.identity)["next_password_hash"] == ""
    assert not await logs_on(server, peer, new_key(peer, value))
    assert await logs_on(server, peer, OLD)


async def test_16_073_an_error_leaves_the_old_password_too(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        await peer.send([4, call[1], "NotSupported", "", {}])
        status, answer = await asking

    assert (status, answer["data"]["code"]) == (502, "NotSupported")
    assert "passwordHex" not in answer["data"]
    assert not await logs_on(server, peer, new_key(peer, value_in(call)))
    assert await logs_on(server, peer, OLD)


@pytest.mark.parametrize("word", ["RebootRequired", "Ok", "accepted"])
async def test_a_word_that_ocpp_lacks_locks_no_station_out(
    server: LiveServer, operator: Operator, version: str, word: str
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        await reply(peer, call, word)
        _, answer = await asking

    assert answer["data"]["passwordHex"]
    assert await logs_on(server, peer, OLD)
    assert await logs_on(server, peer, new_key(peer, value_in(call)))
    assert not await logs_on(server, peer, OLD)


async def test_16_073_both_passwords_are_valid_until_a_station_has_restarted(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        await reply(peer, call, "RebootRequired")
        status, answer = await asking
        again, refusal = await operator.request("POST", path_of(peer))
        _, shown = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}")
    new = new_key(peer, value_in(call))

    assert (status, answer["success"], answer["data"]["status"]) == (200, True, "RebootRequired")
    assert (again, refusal["data"]["code"]) == (409, "password-unproved")
    assert shown["data"]["hasUnprovedPassword"]
    assert records.charge_point(peer.identity)["next_password_hash"] != ""
    # It may lose its connection before it restarts.
    assert await logs_on(server, peer, OLD) and await logs_on(server, peer, OLD)
    assert await logs_on(server, peer, new)
    assert not await logs_on(server, peer, OLD)
    _, shown = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}")
    assert not shown["data"]["hasUnprovedPassword"]


@pytest.mark.parametrize("proved", ["old", "new"])
async def test_16_073_after_a_lost_answer_both_passwords_are_valid_until_one_is_proved(
    server: LiveServer, operator: Operator, records: Records, version: str, proved: str
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer)
        peer.abort()
        status, answer = await asking
    new = new_key(peer, value_in(call))

    assert status == 503
    assert answer["data"]["passwordHex"]  # the station may have it
    # The answer could still come, as far as the server knows: the old password proves nothing yet.
    assert await logs_on(server, peer, OLD)
    _expire(records, peer.identity)
    assert await logs_on(server, peer, OLD if proved == "old" else new)
    assert await logs_on(server, peer, OLD) == (proved == "old")
    assert await logs_on(server, peer, new) == (proved == "new")


async def test_16_073_a_crash_before_the_answer_leaves_both_passwords(make_server: Any, version: str) -> None:
    server = make_server()
    async with with_password(server, version) as peer:
        asking, call = await asked(Operator(server), peer)
        server.kill()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    server.start()
    new = new_key(peer, value_in(call))

    assert await logs_on(server, peer, OLD)
    assert await logs_on(server, peer, new)
    assert not await logs_on(server, peer, OLD)


def _expire(records: Records, identity: str) -> None:
    """Let the time of the command be over."""
    connection = sqlite3.connect(records._database, timeout=30)
    with connection:
        connection.execute(
            "UPDATE chargepoints_chargepoint SET next_password_until = '2026-01-01 00:00:00'"
            " WHERE identity = ?",
            [identity],
        )
    connection.close()


async def test_a_station_without_a_password_may_go_on_without_until_it_proves_the_first(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with station(server, version, fresh("ROT")) as peer:
        asking, call = await asked(operator, peer)
        await reply(peer, call, "Accepted")
        await asking
    new = new_key(peer, value_in(call))

    async with station(server, version, peer.identity, boot=False):
        pass
    assert await logs_on(server, peer, new)
    with pytest.raises(InvalidStatus):
        async with station(server, version, peer.identity, boot=False):
            pass


@pytest.mark.parametrize(
    ("version", "form", "is_text"),
    [(V16, "text", True), (V16, "hex", True), (V16, "bytes", False), (V201, "text", True)],
)
async def test_the_key_is_sent_in_the_form_that_the_station_takes(
    server: LiveServer, operator: Operator, version: str, form: str, is_text: bool
) -> None:
    async with with_password(server, version) as peer:
        asking, call = await asked(operator, peer, {"form": form})
        await reply(peer, call, "Accepted")
        _, answer = await asking
    data, value = answer["data"], value_in(call)

    assert value == (data["password"] if form == "text" else data["passwordHex"])
    assert ("password" in data) == is_text
    assert await logs_on(server, peer, bytes.fromhex(data["passwordHex"]))
    assert await logs_on(server, peer, value)


async def test_a_2x_station_takes_text_alone(server: LiveServer, operator: Operator) -> None:
    async with with_password(server, V21) as peer:
        status, answer = await operator.request("POST", path_of(peer), {"form": "hex"})
        await peer.heartbeat()

    assert (status, answer["data"]["code"]) == (400, "not-supported")


async def test_nothing_of_the_new_password_stays(
    server: LiveServer, operator: Operator, version: str
) -> None:
    """S04: no row, log, event or stored answer has it, and a repeated request does not show it again."""
    async with with_password(server, version) as peer:
        key = {"Idempotency-Key": fresh("key")}
        asking = asyncio.create_task(asyncio.to_thread(server.request, "POST", path_of(peer), {}, **key))
        call = await peer.next_call()
        # Some stations repeat the value.
        if version == V16:
            await peer.answer(call, {"status": "Accepted", "info": value_in(call)})
        else:
            info = {"reasonCode": "NoError", "additionalInfo": f"set to {value_in(call)}"}
            await peer.answer(
                call,
                {
                    "setVariableResult": [
                        {**PLACE, "attributeStatus": "Accepted", "attributeStatusInfo": info}
                    ]
                },
            )
        _, first = await asking
        _, second = await asyncio.to_thread(server.request, "POST", path_of(peer), {}, **key)
        _, listed = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/commands")
        await peer.heartbeat()
    text, digits = first["data"].pop("password"), first["data"].pop("passwordHex")

    assert second == first
    found = [json.dumps(listed), server.log.read_text("utf-8", "replace"), *_texts(server)]
    assert not [one[:200] for one in found if text in one or digits.casefold() in one.casefold()]


def _texts(server: LiveServer) -> list[str]:
    """Every row of every table as text, compressed payloads unpacked."""
    records = Records(server.database)
    tables = [
        row["name"]
        for row in records.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not row["name"].startswith("sqlite")
    ]
    return [str(row) for table in tables for row in records.rows(f'SELECT * FROM "{table}"')]  # noqa: S608


async def test_the_admin_shows_the_new_password_once(server: LiveServer, records: Records) -> None:
    console = Console(server)
    async with with_password(server, V201) as peer:
        row = records.charge_point(peer.identity)
        page = f"/admin/chargepoints/chargepoint/{row['id']}/station/"
        sending = asyncio.create_task(
            asyncio.to_thread(
                console.post,
                f"{page}send/rotate-password/",
                confirmed="The station will have to log on with the new password.",
            )
        )
        call = await peer.next_call()
        _, shown = await sending
        await reply(peer, call, "Accepted")
        await peer.heartbeat()
        later = await asyncio.to_thread(console.get, page)

    assert value_in(call) in shown
    assert value_in(call) not in later
