"""Commands of the admin on a running server: the buttons of a station, and one command for several."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from ocpp_server import command_fields as fields
from ocpp_server import commanding
from ocpp_server.commanding import OperatorCommand
from ocpp_server.pki import parsing
from ocpp_server.protocol.actions import to_station
from ocpp_server.protocol.versions import in_dialect
from tests.conformance.console import Console
from tests.conformance.peer import V16, V201, Peer, Records, at, eventually, fresh, station
from tests.servers import LiveServer
from tests.unit.pki.made import make

pytestmark = pytest.mark.slow
ROOT = "/admin/chargepoints/chargepoint/"
# Inputs of fields whose declarations have neither choices nor an example.
LIMIT = '[{"startPeriod": 0, "limit": 16}]'
TYPED = {
    "renew-certificate": {"type": "ChargingStationCertificate"},
    "update-firmware": {"location": "ftp://files.example.com/1.1.bin"},
    "customer-information": {"report": "on", "customer_identifier": "alice"},
    "publish-firmware": {"location": "ftp://files.example.com/1.1.bin", "checksum": "0" * 32},
    "send": {"action": "ClearCache", "payload": "{}"},
    "get-charging-profiles": {"sources": "CSO"},
    "trigger": {"message": "Heartbeat"},
    "get-monitoring-report": {"criteria": "DeltaMonitoring"},
    "set-variable-monitoring": {
        "monitors": '[{"variable": "EVSE(1).Power", "type": "Delta", "value": 1, "severity": 8}]'
    },
    "get-report": {"criteria": "Problem"},
    "remote-start": {"charging_profile": f'{{"chargingSchedulePeriod": {LIMIT}}}'},
    "set-charging-profile": {
        "purpose": "TxProfile",
        "periods": LIMIT,
        "kind": "Relative",
        "recurrency": "",
        "duration_s": "",
    },
}
TYPED |= {
    "install-certificate": {
        "type_": "CSMSRootCertificate",
        "certificate": parsing.pem_of(make("Root", is_ca=True).certificate),
    },
    "get-installed-certificate-ids": {"types": "CSMSRootCertificate"},
}
# An access point and a VPN are complete, or not there.
TYPED |= dict.fromkeys(
    ("set-network-profile", "set-network-configuration"), {"apn_authentication": "", "vpn_type": ""}
)
# The station of these tests has no desired values and no certificates, the server no TLS: the sentences.
NOTHING_THERE = {
    "send-certificate": "no such signing request",
    "apply-configuration": "has no desired value",
    "delete-certificate": "not found",
    "upgrade-security-profile": "has no TLS",
}
# A list is not sent to a station that answers the question before it with an error.
ASKED_FIRST = {"sync-local-list": "GetLocalListVersion"}


@pytest.fixture(scope="module")
def console(running_server: LiveServer) -> Console:
    return Console(running_server)


@pytest.fixture(scope="module")
def records(running_server: LiveServer) -> Records:
    return Records(running_server.database)


class Listener:
    """A connected station that refuses every command and notes its action."""

    def __init__(self, peer: Peer) -> None:
        self.identity, self.version = peer.identity, peer.version
        self.actions: list[str] = []
        self._peer = peer

    async def listen(self) -> None:
        while True:
            _two, message_id, action, _payload = await self._peer.next_call(600)
            self.actions.append(action)
            await self._peer.send([4, message_id, "NotSupported", "", {}])

    async def got(self, action: str) -> None:
        await eventually(lambda: action in self.actions)


@asynccontextmanager
async def listening(server: LiveServer, version: str) -> AsyncIterator[Listener]:
    """A station with a reported connector and a running session."""
    async with station(server, version, fresh("SEND")) as peer:
        if version == V16:
            await peer.call(
                "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
            )
            start = {"connectorId": 1, "idTag": "FRIEND", "meterStart": 0, "timestamp": at()}
            await peer.call("StartTransaction", start)
        else:
            status = {"timestamp": at(), "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
            await peer.call("StatusNotification", status)
            event = {
                "eventType": "Started",
                "timestamp": at(),
                "triggerReason": "Authorized",
                "seqNo": 0,
                "transactionInfo": {"transactionId": "T1"},
                "idToken": {"idToken": "FRIEND", "type": "Central"},
                "evse": {"id": 1, "connectorId": 1},
            }
            await peer.call("TransactionEvent", event)
        listener = Listener(peer)
        task = asyncio.create_task(listener.listen())
        yield listener
        task.cancel()


def typed(command: OperatorCommand, session: int) -> dict[str, str]:
    """What an operator types into the form of a command."""
    inputs: dict[str, str] = {}
    for field in command.fields:
        match field:
            case fields.Transaction():
                inputs[field.argument] = str(session)
            case fields.Choice() if field.choices:
                inputs[field.argument] = field.choices[-1][0]
            case fields.Evse() | fields.Connector():
                inputs[field.argument] = "1"
            case fields.Texts():
                inputs[field.argument] = "OCPPCommCtrlr.HeartbeatInterval"
            case fields.Text(argument="key"):
                inputs[field.argument] = "OCPPCommCtrlr.HeartbeatInterval"
            case _ if field.required:
                inputs[field.argument] = str(field.example or "x")
    return inputs | TYPED.get(command.name, {})


@pytest.mark.parametrize("version", [V16, V201])
async def test_every_command_has_a_form_and_reaches_the_station(
    running_server: LiveServer, console: Console, records: Records, version: str
) -> None:
    async with listening(running_server, version) as peer:
        pk = records.charge_point(peer.identity)["id"]
        session = records.of("transactions_transaction", peer.identity)[-1]["id"]
        page = await asyncio.to_thread(console.get, f"{ROOT}{pk}/station/")

        for command in commanding.commands():
            lacks = bool(command.action) and command.action_of(version) not in to_station(version)
            assert (f'id="dialog-{command.name}"' in page) is not lacks, command.name
            if lacks:
                continue
            inputs = typed(command, session)
            path = f"{ROOT}{pk}/station/send/{command.name}/"
            _, text = await asyncio.to_thread(console.post, path, **inputs)
            outcome = json.loads(text)
            if outcome["confirm"]:
                confirmed = {**inputs, "confirmed": outcome["confirm"]}
                _, text = await asyncio.to_thread(console.post, path, **confirmed)
                outcome = json.loads(text)

            if command.name in NOTHING_THERE:
                assert NOTHING_THERE[command.name] in outcome["sentence"]
                continue
            assert outcome["sent"], (command.name, outcome)
            sent = ASKED_FIRST.get(command.name, command.action_of(version))
            if command.name == "renew-certificate":  # it sends the command `trigger`
                sent = in_dialect(version, "ExtendedTriggerMessage", "TriggerMessage")
            await peer.got(sent or inputs["action"])


async def test_a_dangerous_command_is_sent_only_with_its_own_confirmation(
    running_server: LiveServer, console: Console, records: Records
) -> None:
    async with station(running_server, V201, fresh("SEND")) as peer:
        path = f"{ROOT}{records.charge_point(peer.identity)['id']}/station/send/reset/"

        for confirmed in ("", "Something else.", "on"):
            status, text = await asyncio.to_thread(console.post, path, type="Hard", confirmed=confirmed)
            assert (status, json.loads(text)["sent"]) == (400, False)
        danger = json.loads(text)["confirm"]
        assert records.commands(peer.identity) == []
        # Without the page's script the second step is a page with a required checkbox.
        _, page = await asyncio.to_thread(console.post, path, accept="text/html", type="Hard")
        assert re.search(rf'<input type="checkbox" name="confirmed" value="{danger}" required\s*>', page)
        assert '<option value="Hard" selected' in page
        await asyncio.to_thread(console.post, path, accept="text/html", type="Hard", confirmed=danger)
        reset = await peer.next_call()

    assert danger == "Running sessions at this station will end."
    assert reset[2:] == ["Reset", {"type": "Immediate"}]


async def test_a_command_that_the_station_lacks_is_disabled_with_the_reason_and_refused(
    running_server: LiveServer, console: Console, records: Records
) -> None:
    async with station(running_server, V16, fresh("SEND")) as peer:
        pk = records.charge_point(peer.identity)["id"]
        read = asyncio.create_task(
            asyncio.to_thread(console.post, f"{ROOT}{pk}/station/send/get-configuration/")
        )
        key = {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core"}
        await peer.answer(await peer.next_call(), {"configurationKey": [key]})
        await read
        await eventually(lambda: records.of("configuration_reportedkey", peer.identity))

        page = await asyncio.to_thread(console.get, f"{ROOT}{pk}/station/")
        path = f"{ROOT}{pk}/station/send/trigger/"
        status, text = await asyncio.to_thread(console.post, path, message="Heartbeat")

    reason = (
        "This station does not support it, because it reports SupportedFeatureProfiles without RemoteTrigger."
    )
    assert 'id="dialog-trigger"' not in page and 'id="dialog-reset"' in page
    assert re.search(rf'<button[^>]*title="{re.escape(reason)}" disabled>', page)
    assert f"<b>Trigger:</b> {reason}" in page
    assert (status, json.loads(text)["sentence"]) == (400, f"Not sent: {reason}")


# -- several stations ----------------------------------------------------------------------------------------


def hidden(page: str, name: str) -> list[str]:
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)


async def test_one_command_for_three_stations_ends_with_a_table_of_their_results(
    running_server: LiveServer, console: Console, records: Records
) -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(listening(running_server, V16))
        new = await stack.enter_async_context(listening(running_server, V201))
        async with station(running_server, V201, fresh("SEND")) as peer:
            away = peer.identity
        await eventually(lambda: not records.charge_point(away)["is_online"])
        pks = [str(records.charge_point(name)["id"]) for name in (old.identity, new.identity, away)]

        _, choosing = await asyncio.to_thread(
            console.post, ROOT, accept="text/html", action="send_a_command", _selected_action=pks
        )
        assert "Send a command to 3 stations" in choosing and sorted(hidden(choosing, "station")) == sorted(
            pks
        )
        assert 'value="unlock"' not in choosing  # it needs an EVSE of one station
        _, form = await asyncio.to_thread(
            console.post, f"{ROOT}send/", accept="text/html", command="reset", station=pks
        )
        assert "Send to 3 stations" in form
        inputs: dict[str, Any] = {"station": pks, "batch": hidden(form, "batch")[0], "type": "Hard"}
        send = f"{ROOT}send/reset/"
        _, asked = await asyncio.to_thread(console.post, send, accept="text/html", **inputs)
        danger = "3 stations: Running sessions at this station will end."
        assert danger in asked and hidden(asked, "batch") == [inputs["batch"]]
        assert old.actions == new.actions == []
        _, page = await asyncio.to_thread(console.post, send, accept="text/html", **inputs, confirmed=danger)
        # The same form again, as by a double click, is not sent again.
        await asyncio.to_thread(console.post, send, accept="text/html", **inputs, confirmed=danger)

        assert f"{ROOT}sent/{inputs['batch']}/live/" in page
        shown = await results(console, inputs["batch"])

    assert shown["values"]["progress"]["text"] == "3 of 3 finished"
    by_station = {row[0]["text"]: [cell["text"] for cell in row[1:4]] for row in shown["tables"]["stations"]}
    assert by_station[old.identity] == ["Sent", "Reset", "Error (NotSupported)"]
    assert by_station[new.identity] == ["Sent", "Reset", "Error (NotSupported)"]
    assert by_station[away] == ["Offline", "–", "–"]
    assert old.actions == new.actions == ["Reset"]


async def results(console: Console, batch: str) -> dict[str, Any]:
    """The snapshot of a result page when every command has ended."""
    while True:
        text = await asyncio.to_thread(console.get, f"{ROOT}sent/{batch}/live/")
        shown: dict[str, Any] = json.loads(text)
        if shown["ended"]:
            return shown
