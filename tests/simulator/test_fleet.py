"""Many stations at once, and stations that misbehave."""

import asyncio
import base64

import pytest

from simulator import V16, Fleet, Misbehaviour, NoAnswer, bad_frames
from simulator.demo import Demo
from simulator.misbehaviour import flood, resend_last
from simulator.network import WITH_CERTIFICATE
from simulator.secure_demo import SecureDemo
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms


async def test_fleet_of_mixed_versions_charges_and_measures(csms: Csms) -> None:
    fleet = Fleet(csms.url, 6, versions=("1.6", "2.0.1", "2.1"), speed=200, session_s=(20, 60))

    online = await fleet.start()
    await csms.wait_for("StopTransaction")
    await csms.wait_for("TransactionEvent", eventType="Ended")
    await fleet.stop()

    rows = {row["action"]: row for row in fleet.latencies.summary()}
    assert online == 6
    assert fleet.latencies.errors == 0
    assert rows["BootNotification"]["count"] == 6
    assert 0 < rows["BootNotification"]["p50_ms"] <= rows["BootNotification"]["p99_ms"]
    assert not [one for one in fleet.stations if one.online.is_set()]


async def test_idle_fleet_sends_only_its_boots_and_statuses(csms: Csms) -> None:
    fleet = Fleet(csms.url, 30, versions=("1.6",), charging=False)

    online = await fleet.start(at_once=10)
    await csms.wait_for("StatusNotification", count=30)
    await fleet.stop()

    assert online == 30
    assert set(csms.actions()) == {"BootNotification", "StatusNotification"}


async def test_fleet_without_a_server_counts_the_failures() -> None:
    fleet = Fleet("ws://127.0.0.1:9/ocpp", 2, versions=("1.6",))

    online = await fleet.start()
    await fleet.stop()

    assert online == 0
    assert fleet.latencies.errors == 2


async def test_demo_waits_for_its_server_and_starts_to_charge(csms: Csms) -> None:
    demo = Demo(csms.url, speed=50)

    await demo.start()
    await csms.wait_for("StartTransaction")
    await csms.wait_for("TransactionEvent", eventType="Started")
    await demo.stop()

    assert len({identity for identity, action, _ in csms.received if action == "BootNotification"}) == 6


async def test_bad_frames_are_sent_unchanged(make_station: MakeStation) -> None:
    station = await make_station(V16)

    for frame in bad_frames():
        if "deep" not in frame.name:  # this frame crashes the small CSMS, as intended
            await station.send_raw(frame.text)

    sent = [frame.text for frame in station.log if frame.direction == "out"]
    assert [frame.text for frame in bad_frames() if "deep" not in frame.name] == sent[
        -len(list(bad_frames())) + 1 :
    ]


async def test_resent_and_flooding_messages_arrive(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V16, connectors=1)
    await csms.wait_for("StatusNotification")
    await station.call("Heartbeat", {})

    await resend_last(station, same_id=True)
    await resend_last(station, same_id=False)
    await flood(station, 20)
    await csms.wait_for("Heartbeat", count=23)

    ids = [frame.message[1] for frame in station.log if frame.action == "Heartbeat"]
    assert ids[0] == ids[1] != ids[2]


async def test_station_that_never_answers_keeps_the_csms_waiting(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16, misbehaviour=Misbehaviour(never_answers=True))

    link = csms.links[station.identity]
    await link._send('[2,"q","ClearCache",{}]')

    with pytest.raises(TimeoutError):
        await station.next_frame(direction="out", timeout_s=0.1)


async def test_call_without_a_connection_raises_no_answer(make_station: MakeStation) -> None:
    station = await make_station(V16)
    await station.go_offline()

    with pytest.raises(NoAnswer) as caught:
        await station.call("Heartbeat", {})

    assert caught.value.lost


async def test_same_seed_gives_the_same_meter(csms: Csms) -> None:
    first, second = (Fleet(csms.url, 3, versions=("1.6",), seed=5) for _ in range(2))

    meters = [
        [station.connector(1).meter.energy_wh for station in fleet.stations] for fleet in (first, second)
    ]

    assert meters[0] == meters[1]
    assert len(set(meters[0])) == 3


async def test_the_secure_demo_waits_for_its_operator(csms: Csms) -> None:
    demo = SecureDemo(csms.url, client_url=csms.url, organization="CPO", ocsp_port=0, speed=50)

    await demo.start_responder()
    await demo.start()
    await asyncio.sleep(0)
    assert csms.connections == 0
    demo.release()
    await csms.wait_for("BootNotification", count=6)
    # Without profile 3 no car charges.
    assert {station.network.profile for station in demo.stations} == {1}
    assert demo.charging_now == 0
    csms.scripted["Authorize"] = lambda _request: {"idTokenInfo": {"status": "Accepted"}}
    station = demo.stations[2]
    station.network.profile = WITH_CERTIFICATE
    request = await csms.wait_for("Authorize")
    await demo.stop()

    assert request["idToken"]["type"] == "eMAID"
    assert station.settings.text("organization") == "CPO"
    assert set(filter(None, csms.authorization)) == {login(one) for one in demo.passwords.items()}


def login(station: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(station).encode()).decode()
