"""Certificates: install, list, delete, and accept the signed station certificate."""

from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.versions import V16, V21, V201


@answers("InstallCertificate", V16, V201, V21)
def install_certificate(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {"status": station.certificates.install(payload["certificateType"], payload["certificate"])}


@answers("DeleteCertificate", V16, V201, V21)
def delete_certificate(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {"status": station.certificates.delete(payload["certificateHashData"])}


@answers("GetInstalledCertificateIds", V16)
def installed_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = station.certificates.listed([payload["certificateType"]])
    return (
        ACCEPTED | {"certificateHashData": [data for _, data in found]} if found else {"status": "NotFound"}
    )


@answers("GetInstalledCertificateIds", V201, V21)
def installed_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = station.certificates.listed(payload.get("certificateType"))
    if not found:
        return {"status": "NotFound"}
    chain = [{"certificateType": kind, "certificateHashData": data} for kind, data in found]
    return ACCEPTED | {"certificateHashDataChain": chain}


@answers("CertificateSigned", V16, V201, V21)
def certificate_signed(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    if station.certificates.accept_signed(payload["certificateChain"]):
        return ACCEPTED

    async def alarm() -> None:
        kind = (
            "InvalidChargePointCertificate" if station.version == V16 else "InvalidChargingStationCertificate"
        )
        await station.notify("SecurityEventNotification", {"type": kind, "timestamp": station.clock.text()})

    return REJECTED, alarm  # 1.6 security A02.FR.06, 2.0.1 A02.FR.07
