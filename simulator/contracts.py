"""Plug & Charge at a station: authorization by contract, its certificate status and its installation."""

import contextlib
from typing import TYPE_CHECKING, Any

from simulator import pki
from simulator.certificates import MO, V2G
from simulator.pki import PathError
from simulator.pnc import call_2x
from simulator.vehicles import SCHEMA_2, Vehicle
from simulator.versions import V21
from simulator.wire import CallFailed, NoAnswer

if TYPE_CHECKING:
    from simulator.station import Station

EMAID = "eMAID"


class Contracts:
    """The ISO 15118 side of one station. ``certificate_status`` is that of the last authorization."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self.certificate_status = ""

    def request(self, vehicle: Vehicle) -> dict[str, Any] | None:
        """Return the Authorize request of a vehicle: with hash data when the station can validate the
        contract, else with the certificate, which the CSMS validates (2.0.1 C07.FR.01 and 06). None when
        neither is allowed.
        """
        settings = self._station.settings
        request: dict[str, Any] = {"idToken": {"idToken": vehicle.emaid, "type": EMAID}}
        if self._station.misbehaviour.refuses_contracts:
            return request
        roots = self._station.certificates.of(MO, V2G)
        if self.is_valid(vehicle) and (items := vehicle.hash_data(roots)):
            return request | {"iso15118CertificateHashData": items[:4]}
        return request | {"certificate": vehicle.pem} if settings.boolean("central_validation") else None

    def is_valid(self, vehicle: Vehicle) -> bool:
        """Whether the contract has a valid path to an installed MO or V2G root."""
        roots = self._station.certificates.of(MO, V2G)
        with contextlib.suppress(PathError):
            pki.path(vehicle.chain[0], vehicle.chain[1:], roots, self._station.clock.now())
            return True
        return False

    async def authorize(self, vehicle: Vehicle) -> str:
        """Return the authorization status of a contract: Accepted only when the CSMS accepts both the token
        and the certificate.
        """
        station, settings = self._station, self._station.settings
        self.certificate_status = ""
        if not settings.boolean("plug_and_charge"):
            return "Invalid"
        if station.online.is_set():
            request = self.request(vehicle)
            if request is None:
                return "Invalid"
            with contextlib.suppress(NoAnswer, CallFailed):
                answer = await call_2x(station, "Authorize", request)
                self.certificate_status = answer.get("certificateStatus", "")
                status = str(answer["idTokenInfo"]["status"])
                is_valid = self.certificate_status in ("", "Accepted")
                return "Invalid" if status == "Accepted" and not is_valid else status
        # 2.0.1 C07.FR.08 and 09: offline, the station needs the root and the permission.
        if not settings.boolean("validation_offline") or not self.is_valid(vehicle):
            return "Invalid"
        return await station.authorize(vehicle.emaid, EMAID)

    async def install(
        self, vehicle: Vehicle, exi: str, *, action: str = "Install", schema: str = SCHEMA_2, **more: Any
    ) -> dict[str, Any]:
        """Pass on the vehicle's request for a contract certificate, and return the answer (2.x M01 and M02).
        `exi` is the request in base64; the station reads neither request nor answer. `more` are the fields
        of 2.1. Raises CallFailed and NoAnswer.
        """
        request = {"iso15118SchemaVersion": schema, "action": action, "exiRequest": exi, **more}
        answer = await call_2x(self._station, "Get15118EVCertificate", request)
        if answer["status"] == "Accepted":
            vehicle.installed.append(answer["exiResponse"])
        return answer

    async def status(self, item: dict[str, str]) -> dict[str, Any]:
        """Ask the CSMS for the OCSP response of a certificate (2.x M06). Raises CallFailed and NoAnswer."""
        return await call_2x(self._station, "GetCertificateStatus", {"ocspRequestData": item})

    async def chain_status(self, items: list[dict[str, str]], *, source: str = "OCSP") -> dict[str, Any]:
        """Ask for the status of a chain (2.1 M07). Raises RuntimeError in an older version, CallFailed and
        NoAnswer.
        """
        if self._station.version != V21:
            raise RuntimeError("GetCertificateChainStatus needs OCPP 2.1")
        wanted = [
            {
                "source": source,
                "urls": [item["responderURL"]],
                "certificateHashData": {name: item[name] for name in item if name != "responderURL"},
            }
            for item in items
        ]
        request = {"certificateStatusRequests": wanted}
        return await self._station.call("GetCertificateChainStatus", request)
