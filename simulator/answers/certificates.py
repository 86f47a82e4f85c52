"""Certificates: install, list, delete, and accept a signed one; the same for Plug & Charge over 1.6."""

import json
from typing import Any

from simulator import schemas
from simulator.answers.table import ACCEPTED, ANSWERS, REJECTED, Answer, answers
from simulator.certificates import CSMS, CSMS_16, STATION
from simulator.pki import PathError
from simulator.versions import V16, V21, V201
from simulator.wire import CallFailed

# Plug & Charge over 1.6: the actions of 2.0.1 that a station answers inside DataTransfer.
_IN_DATA_TRANSFER = {
    "CertificateSigned",
    "InstallCertificate",
    "DeleteCertificate",
    "GetInstalledCertificateIds",
    "TriggerMessage",
}


@answers("InstallCertificate", V16, V201, V21)
def install_certificate(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if station.misbehaviour.refuses_roots:
        return {"status": station.misbehaviour.refuses_roots}
    store = station.certificates
    store.limit = station.settings.number("store_limit")
    store.checks_roots = station.settings.boolean("checks_roots")
    kind = payload["certificateType"]
    status = store.install(CSMS if kind == CSMS_16 else kind, payload["certificate"])
    _count(station)
    return {"status": status}


@answers("DeleteCertificate", V16, V201, V21)
def delete_certificate(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if station.misbehaviour.keeps_roots:
        return {"status": "Failed"}
    needed = station.network.needed_root()
    status = station.certificates.delete(payload["certificateHashData"], keeps=needed)
    _count(station)
    return {"status": status}


def _count(station: Any) -> None:
    """Show the number of certificates where the CSMS reads it; 1.6 has no key for it."""
    if station.version != V16:
        station.settings.put("certificates", len(station.certificates.listed(None)))


@answers("GetInstalledCertificateIds", V16)
def installed_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    kind = payload["certificateType"]
    found = station.certificates.listed([CSMS if kind == CSMS_16 else kind])
    return (
        ACCEPTED | {"certificateHashData": [one.data for one in found]} if found else {"status": "NotFound"}
    )


@answers("GetInstalledCertificateIds", V201, V21)
def installed_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = station.certificates.listed(payload.get("certificateType"))
    if not found:
        return {"status": "NotFound"}
    chains = [
        {"certificateType": one.kind, "certificateHashData": one.data}
        | ({"childCertificateHashData": list(one.children)} if one.children else {})
        for one in found
    ]
    return ACCEPTED | {"certificateHashDataChain": chains}


@answers("CertificateSigned", V16)
def certificate_signed_16(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    return _signed(station, payload["certificateChain"], STATION)


@answers("CertificateSigned", V201, V21)
def certificate_signed(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    return _signed(station, payload["certificateChain"], payload.get("certificateType"))


def _signed(station: Any, chain: str, use: str | None) -> dict[str, Any] | Answer:
    try:
        if station.misbehaviour.rejects_certificates:
            raise PathError("the station rejects every certificate")
        if len(chain) > station.settings.number("chain_limit"):
            raise PathError("the chain is too long")
        uses = station.certificates.accept_signed(chain, use)
    except PathError as refusal:
        reason = str(refusal)

        async def alarm() -> None:
            is_16 = station.version == V16
            kind = "InvalidChargePointCertificate" if is_16 else "InvalidChargingStationCertificate"
            event = {"type": kind, "timestamp": station.clock.text(), "techInfo": reason[:255]}
            await station.notify("SecurityEventNotification", event)

        return REJECTED, alarm  # 1.6 security A02.FR.06, 2.0.1 A02.FR.07
    station.signing.received(uses)
    return (ACCEPTED, station.use_certificate) if STATION in uses else ACCEPTED


def plug_and_charge(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    """Answer an action of 2.0.1 inside a DataTransfer of 1.6."""
    action = payload.get("messageId", "")
    if action not in _IN_DATA_TRANSFER:
        return {"status": "UnknownMessageId"}
    try:
        inner = json.loads(payload.get("data", ""))
    except ValueError:
        return REJECTED
    if schemas.faults(V201, action, "request", inner):
        return REJECTED
    try:
        answer = ANSWERS[V201, action](station, inner)
    except CallFailed:
        return REJECTED
    content, follow_up = answer if isinstance(answer, tuple) else (answer, None)
    return ACCEPTED | {"data": json.dumps(content, separators=(",", ":"))}, follow_up
