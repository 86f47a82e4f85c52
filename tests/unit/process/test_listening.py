"""The addresses on which a process listens (LISTEN_ADDRESS)."""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocpp_server import listening
from ocpp_server.environment import env
from tests.conformance.peer import Records, fresh, station
from tests.processes import finished
from tests.servers import LiveServer, free_port

NEVER_HERE = "192.0.2.1"  # an address for documentation


def answers(host: str, port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
        try:
            connection.request("GET", "/health")
        except ConnectionRefusedError:
            return False
        return connection.getresponse().status == 200


def connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=30).close()
    except ConnectionRefusedError:
        return False
    return True


def accepted(listener: socket.socket) -> str:
    """The address of the next client."""
    connection, address = listener.accept()
    connection.close()
    return str(address[0])


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("", ("0.0.0.0", "::")),
        ("0.0.0.0", ("0.0.0.0",)),
        ("192.0.2.10, [2001:DB8::1],192.0.2.10", ("192.0.2.10", "2001:db8::1")),
    ],
)
def test_the_setting_names_addresses_of_both_families(text: str, addresses: tuple[str, ...]) -> None:
    assert env.read({"LISTEN_ADDRESS": text})["LISTEN_ADDRESS"] == addresses


@pytest.mark.parametrize("text", ["localhost", "*", "0.0.0.0:8081", "10.0.0.0/8", ",", "[::1"])
def test_a_text_that_is_no_address_is_a_sentence(text: str) -> None:
    with pytest.raises(env.SettingError, match=r"^LISTEN_ADDRESS: .*\.$"):
        env.read({"LISTEN_ADDRESS": text})


@pytest.mark.parametrize(
    ("addresses", "own"),
    [
        (["0.0.0.0", "::"], "127.0.0.1"),
        (["::"], "::1"),
        (["::1"], "::1"),
        (["::", "192.0.2.10"], "192.0.2.10"),
        (["192.0.2.10", "127.0.0.1"], "127.0.0.1"),
        (["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_the_machine_reaches_its_own_server_at_an_address_on_which_it_listens(
    addresses: list[str], own: str
) -> None:
    assert listening.own_host(addresses) == own


def test_both_families_are_served_by_sockets_of_their_own() -> None:
    port = free_port()

    with listening.listen(("0.0.0.0", "::"), port) as listeners:
        assert [each.family for each in listeners] == [socket.AF_INET, socket.AF_INET6]
        assert connects("127.0.0.1", port) and connects("::1", port)
        peers = [accepted(each) for each in listeners]

    assert peers == ["127.0.0.1", "::1"]  # not ::ffff:127.0.0.1


def test_a_machine_without_ipv6_serves_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(family: int = -1, *arguments: Any, **options: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *arguments, **options)

    monkeypatch.setattr(socket, "socket", without_ipv6)

    with listening.listen(("0.0.0.0", "::"), free_port()) as listeners:
        assert len(listeners) == 1
    for wanted in (("::",), ("0.0.0.0", "::1")):
        with pytest.raises(listening.ListenError):
            listening.listen(wanted, free_port())


def test_no_socket_stays_open_when_one_address_can_not_be_opened() -> None:
    port = free_port()

    with pytest.raises(listening.ListenError) as failed:
        listening.listen(("127.0.0.1", NEVER_HERE), port)

    assert failed.value.address == NEVER_HERE
    assert not connects("127.0.0.1", port)


def test_an_address_of_another_machine_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, LISTEN_ADDRESS=NEVER_HERE)

    code, _, error = finished("run", environment=server.environment)

    assert code == 1
    assert error.startswith(f"LISTEN_ADDRESS: this machine can't listen on {NEVER_HERE} (")
    assert not server.database.exists()


@pytest.fixture(scope="module")
def on_ipv6(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server with one address, of IPv6, and with PUBLIC_URL, which restricts the accepted hosts."""
    live = LiveServer(
        tmp_path_factory.mktemp("ipv6"),
        template=migrated_database,
        LISTEN_ADDRESS="::1",
        METRICS_PORT=str(free_port()),
        PUBLIC_URL="http://csms.example.com",
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


async def test_a_station_over_ipv6_is_known_by_its_address(on_ipv6: LiveServer) -> None:
    identity = fresh()

    async with station(on_ipv6, identity=identity) as peer:
        await peer.heartbeat()

        (row,) = Records(on_ipv6.database).rows(
            "SELECT remote_address FROM chargepoints_chargepoint WHERE identity = ?", identity
        )
    assert row["remote_address"] == "::1"


def test_only_the_named_address_is_open_also_for_metrics(on_ipv6: LiveServer) -> None:
    ports = [on_ipv6.port, int(on_ipv6.environment["METRICS_PORT"])]

    assert [answers("::1", port) for port in ports] == [True, True]
    assert [connects("127.0.0.1", port) for port in ports] == [False, False]


def test_probes_and_commands_of_the_machine_reach_the_server(on_ipv6: LiveServer) -> None:
    probe = finished("run", "healthcheck", environment=on_ipv6.environment)
    command = finished("manage", "trigger", "NOBODY", "Heartbeat", environment=on_ipv6.environment)

    assert probe[0] == 0, probe
    assert "Unknown station" in "".join(command[1:])
