"""A server with a port for client certificates, and the certificates of its stations."""

from __future__ import annotations

import ssl
from typing import Any

from tests.conformance.mutual_tls import Pki
from tests.conformance.peer import V16, Operator, Records, fresh, station
from tests.servers import LiveServer
from tests.unit.pki.made import make

ROOT = make("CSMS root", is_ca=True, organization="CPO")
CA = make("Issuing CA", by=ROOT, is_ca=True, length=0)
OWN = make("Own CA", by=ROOT, is_ca=True, length=0)
MAKER = make("Maker root", is_ca=True, organization="Maker")


class Mutual:
    """A server with a port for client certificates, and the certificates of its stations."""

    def __init__(self, server: LiveServer, pki: Pki, port: int) -> None:
        self.server, self.pki, self.port = server, pki, port
        self.records = Records(server.database)
        self.operator = Operator(server)

    async def station(self, serial_number: str = "", profile: int = 3) -> str:
        identity = fresh("MTLS")
        await self.operator.provision(identity, securityProfile=profile, serialNumber=serial_number)
        return identity

    def connect(self, version: str, identity: str, client: ssl.SSLContext, port: int = 0) -> Any:
        how: dict[str, Any] = {"boot": False, "ssl": client, "port": port or self.port, "host": "localhost"}
        return station(self.server, version, identity, **how)

    def failures(self) -> list[dict[str, Any]]:
        """The TLS handshakes that have failed."""
        return self.records.rows("SELECT * FROM chargepoints_refusedconnection WHERE code = 0 ORDER BY id")


def boot_of(version: str, serial_number: str) -> dict[str, Any]:
    if version == V16:
        made = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
        return made | {"chargePointSerialNumber": serial_number}
    described = {"vendorName": "Vendor", "model": "Model", "serialNumber": serial_number}
    return {"reason": "PowerUp", "chargingStation": described}
