"""The operator of the demo with security profile 3: sets the simulated stations up through the REST API.

It does what an operator of a fleet does, in the same order: station and password, root, certificate, security
profile. Everything it does can be watched in the admin.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ocpp_server.credentials import Role
from ocpp_server.management.api import Answer, Api, ServerAway, station_path
from ocpp_server.management.running_server import server
from ocpp_server.protocol.versions import in_dialect
from simulator import pki
from simulator.secure_demo import MOBILITY_OPERATOR, SecureDemo
from simulator.station import Station
from simulator.versions import SUBPROTOCOL

_ROOTS: Final = "/api/v1/certificates/roots"
_TOKENS: Final = "/api/v1/tokens"
# Seconds for each step of a station.
_PATIENCE_S: Final = 120.0
_POLL_S: Final = 1.0
# So many stations at a time: the key of the operator lasts for that many (`running_server.server`).
_KEY_STATIONS: Final = 80
_WITH_CERTIFICATE: Final = 3
# No answer in time, not possible yet, too busy, or not reachable: such a command is sent again.
_RETRIED: Final = (408, 409, 429, 503)


class StepFailed(Exception):
    """A step of the set-up failed. `str(error)` is a sentence with the server's reason."""


def begin(demo: SecureDemo) -> None:
    """Set the stations of the demo up in a thread, which ends with its process. Call it in the event loop of
    the demo.
    """
    loop = asyncio.get_running_loop()
    operator = Operator(demo, release=lambda: loop.call_soon_threadsafe(demo.release))
    threading.Thread(target=operator.run, name="demo operator", daemon=True).start()


class Operator:
    """The operator of one demo. `release` lets its stations connect."""

    def __init__(
        self,
        demo: SecureDemo,
        *,
        release: Callable[[], object],
        patience_s: float = _PATIENCE_S,
        poll_s: float = _POLL_S,
    ) -> None:
        self._demo, self._release = demo, release
        self._patience_s, self._poll_s = patience_s, poll_s
        self._api = Api()

    def run(self) -> None:
        """Set everything up. A failure ends the set-up of its station and is printed."""
        try:
            with server(stations=_KEY_STATIONS, role=Role.ADMINISTRATOR) as self._api:
                self._set_up()
        except (StepFailed, ServerAway) as error:
            _say(str(error))

    def _set_up(self) -> None:
        root = self._root()
        mobility = self._trust_mobility_operator()
        for vehicle in (*self._demo.vehicles, self._demo.revoked):
            token = {"uid": vehicle.emaid, "type": "EMAID", "name": "Car with a contract (demo)"}
            self._post(_TOKENS, token, allowed=(409,))
        for station in self._demo.stations:
            self._register(station)
        self._release()
        with ThreadPoolExecutor(len(self._demo.stations)) as pool:
            list(pool.map(lambda station: self._secure(station, root, mobility), self._demo.stations))

    def _root(self) -> int:
        """The root of this server's CA. Raises StepFailed."""
        found = self._get(f"{_ROOTS}?kind=csms")["roots"]
        if not found:
            raise StepFailed("There is no root: manage.py pki init makes one.")
        return int(found[0]["id"])

    def _trust_mobility_operator(self) -> int:
        """Trust the root of the cars' contracts; those of earlier starts, without keys now, are disabled."""
        for one in self._get(f"{_ROOTS}?kind=mo")["roots"]:
            if one["name"] == MOBILITY_OPERATOR and one["isEnabled"]:
                self._done(self._api.send("PATCH", f"{_ROOTS}/{one['id']}", {"isEnabled": False}))
        pem = pki.pem_of([self._demo.lab.root.certificate])
        body = {"kind": "mo", "name": MOBILITY_OPERATOR, "certificate": pem}
        return int(self._post(_ROOTS, body)["id"])

    def _register(self, station: Station) -> None:
        """The station with its password at profile 1: as new, or as after a visit of an installer."""
        settings = {"securityProfile": 1, "password": self._demo.passwords[station.identity]}
        answer = self._api.send("POST", "/api/v1/chargepoints", {"clientId": station.identity, **settings})
        if answer.status == 409:  # noqa: PLR2004 - the station of an earlier start
            answer = self._api.send("PATCH", station_path(station.identity), settings)
        self._done(answer)

    def _secure(self, station: Station, root: int, mobility: int) -> None:
        """Bring a station to profile 3. Whatever fails is printed: the other stations go on."""
        where, name = station_path(station.identity), station.identity
        version = SUBPROTOCOL[station.version]
        is_16 = in_dialect(version, True, False)
        trigger = in_dialect(version, "SignChargePointCertificate", "SignChargingStationCertificate")
        try:
            self._until(f"{name} connects", lambda: self._get(where)["isOnline"])
            self._command(f"{where}/install-certificate", {"rootId": root})
            _say(f"{name} has the root of the server.")
            if not is_16:
                # With the root a station validates contracts itself and sends hash data.
                self._command(f"{where}/install-certificate", {"rootId": mobility})
            self._command(f"{where}/trigger", {"requestedMessage": trigger})
            # Refused as long as the server knows no certificate of the station.
            upgrade = {"targetProfile": _WITH_CERTIFICATE}
            self._command(f"{where}/upgrade-security-profile", upgrade)
            _say(f"{name} has a certificate, and its security profile is being raised.")
            self._until(
                f"{name} returns with its certificate",
                lambda: (
                    self._get(where)["securityProfile"] == _WITH_CERTIFICATE and self._get(where)["isOnline"]
                ),
            )
            _say(f"{name} is connected by mutual TLS.")
        except StepFailed as error:
            _say(str(error))
        except ServerAway:
            pass  # it has ended, and so does this demo

    def _command(self, path: str, body: dict[str, Any]) -> None:
        """Send a command until it is accepted. Raises StepFailed with the reason of the last refusal."""
        until = time.monotonic() + self._patience_s
        while True:
            answer = self._api.send("POST", path, body, timeout=self._patience_s)
            if answer.success:
                return
            if answer.status not in _RETRIED or time.monotonic() > until:
                raise StepFailed(f"{path}: {answer.message}")
            time.sleep(self._poll_s)

    def _until(self, sentence: str, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + self._patience_s
        while not is_so():
            if time.monotonic() > until:
                raise StepFailed(f"Waited {self._patience_s:.0f} s in vain until {sentence}.")
            time.sleep(self._poll_s)

    def _get(self, path: str) -> dict[str, Any]:
        return self._done(self._api.get(path))

    def _post(self, path: str, body: dict[str, Any], *, allowed: tuple[int, ...] = ()) -> dict[str, Any]:
        answer = self._api.send("POST", path, body)
        return answer.data if answer.status in allowed else self._done(answer)

    def _done(self, answer: Answer) -> dict[str, Any]:
        if not answer.success:
            raise StepFailed(answer.message)
        return answer.data


def _say(sentence: str) -> None:
    # The output of a simulation beside its server is closed; its errors reach the terminal.
    sys.stderr.write(f"Demo: {sentence}\n")
    sys.stderr.flush()
