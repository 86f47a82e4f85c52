"""Installed certificates in 1.6 and 2.x: the types, the requests for lists, and the lists."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate import installed_certificates as translate
from ocpp_server.protocol.translate.installed_certificates import (
    CHAIN,
    CSMS,
    CSMS_16,
    MANUFACTURER,
    MO,
    OEM,
    V2G,
    Chain,
    Listing,
)
from ocpp_server.protocol.versions import V16, V21, V201

DATA = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "1"}
OTHER = {**DATA, "serialNumber": "2"}


def test_each_version_has_its_types_and_longest_certificate() -> None:
    assert translate.root_types(V16) == translate.listed_types(V16) == (CSMS, MANUFACTURER)
    assert translate.root_types(V201) == (CSMS, MANUFACTURER, V2G, MO)
    assert translate.listed_types(V201) == (CSMS, MANUFACTURER, V2G, MO, CHAIN)
    assert translate.listed_types(V21) == (CSMS, MANUFACTURER, V2G, MO, OEM, CHAIN)
    assert [translate.longest_certificate(one) for one in (V16, V201, V21)] == [5500, 5500, 10_000]


def test_the_root_of_the_server_has_another_name_in_1_6() -> None:
    assert translate.certificate_type(CSMS_16) == CSMS
    assert translate.certificate_type(MO) == MO
    assert translate.spelled_type(V16, CSMS) == CSMS_16
    assert translate.spelled_type(V16, MANUFACTURER) == MANUFACTURER
    assert translate.spelled_type(V201, CSMS) == CSMS


@pytest.mark.parametrize(
    ("version", "types", "payloads"),
    [
        (V16, (), [{"certificateType": CSMS_16}, {"certificateType": MANUFACTURER}]),
        (V16, (MANUFACTURER,), [{"certificateType": MANUFACTURER}]),
        (V201, (), [{}]),
        (V21, (OEM, MO), [{"certificateType": [OEM, MO]}]),
    ],
)
def test_the_requests_for_a_list(version: str, types: tuple[str, ...], payloads: list[Any]) -> None:
    assert translate.listing_requests(version, types) == payloads


@pytest.mark.parametrize(
    ("version", "request_", "response", "listing"),
    [
        (
            V16,
            {"certificateType": CSMS_16},
            {"status": "Accepted", "certificateHashData": [DATA, OTHER]},
            Listing(frozenset({CSMS}), (Chain(CSMS, DATA), Chain(CSMS, OTHER))),
        ),
        (
            V16,
            {"certificateType": MANUFACTURER},
            {"status": "Accepted"},
            Listing(frozenset({MANUFACTURER}), ()),
        ),
        (
            V201,
            {"certificateType": [CHAIN, V2G]},
            {
                "status": "Accepted",
                "certificateHashDataChain": [
                    {
                        "certificateType": CHAIN,
                        "certificateHashData": DATA,
                        "childCertificateHashData": [OTHER, DATA],
                    }
                ],
            },
            Listing(frozenset({CHAIN, V2G}), (Chain(CHAIN, DATA, (OTHER, DATA)),)),
        ),
        (V201, {}, {"status": "NotFound"}, Listing(frozenset({CSMS, MANUFACTURER, V2G, MO, CHAIN}), ())),
        # A list beside NotFound is no list.
        (
            V201,
            {"certificateType": [MO]},
            {
                "status": "NotFound",
                "certificateHashDataChain": [{"certificateType": MO, "certificateHashData": DATA}],
            },
            Listing(frozenset({MO}), ()),
        ),
    ],
)
def test_the_list_in_an_answer(
    version: str, request_: dict[str, Any], response: dict[str, Any], listing: Listing
) -> None:
    assert translate.listing(version, request_, response) == listing
