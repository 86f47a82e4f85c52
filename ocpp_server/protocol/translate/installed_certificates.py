"""Installed certificates as 1.6 (security extension M) and 2.x (M03 to M05) spell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ocpp_server.protocol.versions import V21, in_dialect

CSMS, MANUFACTURER, V2G, MO, OEM, CHAIN = (
    "CSMSRootCertificate",
    "ManufacturerRootCertificate",
    "V2GRootCertificate",
    "MORootCertificate",
    "OEMRootCertificate",
    "V2GCertificateChain",
)
CSMS_16: Final = "CentralSystemRootCertificate"
_IN_16: Final = (CSMS, MANUFACTURER)
_IN_201: Final = (CSMS, MANUFACTURER, V2G, MO)
# The most characters of a certificate in an InstallCertificate.
_LONGEST, _LONGEST_21 = 5500, 10_000


class Chain(NamedTuple):
    """One certificate in the list of a station: its type by the 2.x name, its hash data as the station spells
    it, and that of the CAs below, in the order of the station.
    """

    type: str
    hash_data: Mapping[str, Any]
    children: tuple[Mapping[str, Any], ...] = ()


class Listing(NamedTuple):
    """The answer to a GetInstalledCertificateIds; `types` are the types that were asked for."""

    types: frozenset[str]
    chains: tuple[Chain, ...]


def root_types(version: str) -> tuple[str, ...]:
    """The types of certificates that a station of this version can be given, by their 2.x names."""
    return in_dialect(version, _IN_16, (*_IN_201, OEM) if version == V21 else _IN_201)


def listed_types(version: str) -> tuple[str, ...]:
    """The types of certificates that a station of this version can list, by their 2.x names."""
    return in_dialect(version, _IN_16, (*root_types(version), CHAIN))


def longest_certificate(version: str) -> int:
    """The most characters of a certificate in PEM."""
    return _LONGEST_21 if version == V21 else _LONGEST


def certificate_type(name: str) -> str:
    """The 2.x name of a type."""
    return CSMS if name == CSMS_16 else name


def spelled_type(version: str, name: str) -> str:
    """The name of a type in this version."""
    return in_dialect(version, CSMS_16 if name == CSMS else name, name)


def listing_requests(version: str, types: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The payloads of GetInstalledCertificateIds for these types; for all if none is given. 1.6 asks for one
    type at a time.
    """
    wanted = tuple(types)
    in_16 = [{"certificateType": spelled_type(version, one)} for one in wanted or _IN_16]
    in_2x: list[dict[str, Any]] = [{"certificateType": list(wanted)} if wanted else {}]
    return in_dialect(version, in_16, in_2x)


def listing(version: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> Listing:
    """The list in an answer; NotFound is an empty one."""
    asked = request.get("certificateType") or ()
    names = (asked,) if isinstance(asked, str) else asked
    types = frozenset(map(certificate_type, names)) or frozenset(listed_types(version))
    if response["status"] != "Accepted":
        return Listing(types, ())
    in_16 = tuple(
        Chain(certificate_type(asked), data)
        for data in response.get("certificateHashData", ())
        if isinstance(asked, str)
    )
    in_2x = tuple(
        Chain(
            one["certificateType"],
            one["certificateHashData"],
            tuple(one.get("childCertificateHashData", ())),
        )
        for one in response.get("certificateHashDataChain", ())
    )
    return Listing(types, in_dialect(version, in_16, in_2x))
