"""The request of a handshake: its fields, its identity and the version it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Admitted, Handshake
from tests.unit.transport.admission.handshakes import V16, Row, Stations, handshake, refusal_of


@pytest.mark.parametrize(
    ("raw_path", "identity"),
    [
        (b"/ocpp/CP-1", "CP-1"),
        (b"/ocpp/CP-1/", "CP-1"),
        (b"/ocpp/CP-X/", "CP-X"),
        (b"/ocpp/CP-1//", "CP-1"),
        (b"/ocpp/CP-1?a=/b", "CP-1"),
        (b"/steve/websocket/CentralSystemService/CP-1", "CP-1"),
        (b"/CP-1", "CP-1"),
        (b"/ocpp/a%2Fb", "a/b"),
        (b"/ocpp/K%C3%B6ln", "Köln"),
        (b"/ocpp/%FF", "\ufffd"),
        (b"/ocpp", ""),
        (b"/ocpp/", ""),
        (b"/ocpp?CP-1", ""),
        (b"/other/ocpp", "ocpp"),
        (b"/", ""),
    ],
)
def test_the_identity_is_the_last_part_of_the_path(raw_path: bytes, identity: str) -> None:
    assert Handshake.from_scope({"raw_path": raw_path, "path": "/not/used"}).identity == identity


def test_a_server_without_raw_paths_gives_the_decoded_one() -> None:
    assert Handshake.from_scope({"path": "/ocpp/CP-2"}).identity == "CP-2"


def test_a_handshake_has_the_fields_of_its_request() -> None:
    scope = {
        "raw_path": b"/ocpp/CP-1?key=1",
        "path": "/ocpp/CP-1",
        "scheme": "wss",
        "client": ("192.0.2.9", 4711),
        "subprotocols": ["ocpp1.6", "x"],
        "headers": [
            (b"host", b"csms.example.com"),
            (b"origin", b"https://p\xe4ge.example"),
            (b"authorization", b"Basic QQ=="),
            (b"sec-websocket-protocol", b"ocpp1.6, \xe4"),
        ],
    }

    assert Handshake.from_scope(scope) == Handshake(
        path="/ocpp/CP-1?key=1",
        identity="CP-1",
        offered=["ocpp1.6", "x"],
        address="192.0.2.9",
        authorization=b"Basic QQ==",
        origin="https://päge.example",
        is_tls=True,
        protocol_header="ocpp1.6, ä",
        own_origins=frozenset({"https://csms.example.com"}),
    )


def test_a_bare_request_has_empty_fields() -> None:
    assert Handshake.from_scope({"path": "/ocpp/CP-1", "scheme": "ws", "client": None}) == Handshake(
        path="/ocpp/CP-1",
        identity="CP-1",
        offered=[],
        address="",
        authorization=None,
        origin="",
        is_tls=False,
        protocol_header="",
        own_origins=frozenset(),
    )


def test_the_stored_path_is_cut_and_keeps_any_byte() -> None:
    found = Handshake.from_scope({"raw_path": b"/\xff" + b"a" * 5000, "path": "/"})

    assert found.path == "/\xff" + "a" * 998


# --- the identity and the list of subprotocols --------------------------------------------------------------


@pytest.mark.parametrize("identity", ["", ".", "a/b", "a:b", "\ufffd", "x" * 256])
async def test_an_identity_that_no_station_can_have_is_not_found(
    stations: Stations, settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"
    stations.rows[identity] = Row(identity)

    refusal = await refusal_of(handshake(identity))

    assert (refusal.status, refusal.can_be_accepted, refusal.security) == (404, False, "")


@pytest.mark.parametrize(
    "header", ["ocpp1.6,ocpp1.6", "ocpp1.6, ocpp1.6", "ocpp1.6,", ",", "a b", "ä", "a/1"]
)
async def test_a_malformed_list_of_subprotocols_is_a_bad_request(header: str) -> None:
    assert (await refusal_of(handshake(protocol_header=header))).status == 400


@pytest.mark.parametrize("header", ["", "ocpp1.6", " ocpp1.6 ,\tocpp2.0.1", "!#$%&'*+-.^_`|~09AZaz"])
async def test_a_list_of_tokens_is_well_formed(header: str) -> None:
    assert isinstance(await admission.admit(handshake(protocol_header=header)), Admitted)


# --- the station and its version ----------------------------------------------------------------------------


async def test_a_known_station_is_admitted_with_its_row(stations: Stations) -> None:
    assert await admission.admit(handshake()) == Admitted(stations.rows["CP-1"], V16, V16)


@pytest.mark.parametrize(
    ("offered", "assumed", "version", "subprotocol"),
    [
        (["ocpp2.0.1", "ocpp1.6"], "", "ocpp2.0.1", "ocpp2.0.1"),
        (["other", "ocpp2.1"], "", "ocpp2.1", "ocpp2.1"),
        ([], "ocpp1.6", "ocpp1.6", None),
        (["ocpp2.0.1"], "ocpp1.6", "ocpp2.0.1", "ocpp2.0.1"),
    ],
)
async def test_the_version_is_that_of_the_subprotocol_or_of_the_setting(
    stations: Stations,
    settings: Any,
    *,
    offered: list[str],
    assumed: str,
    version: str,
    subprotocol: str | None,
) -> None:
    settings.OCPP_ASSUME_SUBPROTOCOL = assumed

    found = await admission.admit(handshake(offered=offered))

    assert found == Admitted(stations.rows["CP-1"], version, subprotocol)
