"""A simulated charging station: connects, boots, charges, answers the CSMS, and misbehaves on request."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Any

from simulator.answers import FollowUp
from simulator.answers.local_list import status_in_list
from simulator.answers.monitoring import hard_wired
from simulator.answers.reservation import remove
from simulator.certificates import STATION, CertificateStore
from simulator.connection import StationConnection
from simulator.connector import Connector
from simulator.contracts import EMAID, Contracts
from simulator.dialects import DIALECTS
from simulator.downloads import Downloaded
from simulator.latency import Latencies
from simulator.meter import Meter
from simulator.misbehaviour import Misbehaviour
from simulator.network import WITH_CERTIFICATE, Network
from simulator.outbox import Outbox, TransactionMessage
from simulator.profiles import Profiles
from simulator.session import Session
from simulator.signing import Signing
from simulator.tariffs import Tariffs
from simulator.vehicles import Vehicle
from simulator.wire import CallFailed, NoAnswer

BOOT_S = 3.0  # simulated seconds a reboot takes
REMEMBERED_SESSIONS = 50


class Station(StationConnection):
    """One station of one OCPP version.

    ``url`` is the endpoint without the identity. ``speed`` shortens every timer and speeds up the meter;
    ``retry_connect`` keeps trying when the first connection fails; ``log_size`` 0 keeps no frames (for large
    fleets); ``password`` may be bytes, as 1.6's AuthorizationKey is; ``tls`` is for a wss server whose
    certificate this machine does not trust. ``latencies`` only counts answers that arrived.

    ``security_profile``, ``urls`` and ``trusts_system`` are those of :class:`Network`. ``key_kind`` is the
    kind of the station's own keys; with ``names_identity`` its signing requests name the identity instead of
    the serial number; with ``renews`` it asks for a certificate by itself when it has none, or the one in use
    ends within 30 days. ``session_class`` is that of its sessions.
    """

    session_class: type[Session] = Session

    def __init__(
        self,
        identity: str,
        version: str,
        url: str,
        *,
        password: str | bytes | None = None,
        connectors: int = 2,
        seed: int | str = 0,
        speed: float = 1.0,
        power_w: float = 11_000,
        phases: int = 3,
        dc: bool = False,
        soc: bool = False,
        vendor: str = "Simulated",
        model: str = "OCPP Simulator",
        retry_connect: bool = False,
        boot_on_reconnect: bool = False,
        call_timeout_s: float = 30.0,
        open_timeout_s: float = 20.0,
        ping_interval_s: float | None = None,
        tls: ssl.SSLContext | None = None,
        log_size: int = 2000,
        latencies: Latencies | None = None,
        misbehaviour: Misbehaviour | None = None,
        settings: dict[str, object] | None = None,
        plugs_in: bool = True,
        security_profile: int | None = None,
        urls: Mapping[int, str] | None = None,
        trusts_system: bool = False,
        key_kind: str = "EC",
        names_identity: bool = False,
        renews: bool = False,
    ) -> None:
        super().__init__(
            identity,
            version,
            url,
            password=password,
            seed=seed,
            speed=speed,
            retry_connect=retry_connect,
            boot_on_reconnect=boot_on_reconnect,
            call_timeout_s=call_timeout_s,
            open_timeout_s=open_timeout_s,
            ping_interval_s=ping_interval_s,
            tls=tls,
            log_size=log_size,
            latencies=latencies,
            misbehaviour=misbehaviour,
        )
        self.vendor, self.model, self.serial, self.firmware = vendor, model, f"S-{identity}", "1.0.0"
        self.power_w, self.soc = power_w, soc
        self.renews = renews
        self.plugs_in = plugs_in  # whether a driver plugs in a cable after a remote start
        # Or DownloadFailed, InvalidSignature, InstallationFailed, InstallVerificationFailed.
        self.firmware_outcome = "Installed"
        self.firmware_file: Downloaded | None = None  # the last one that was downloaded whole
        self.log_outcome = "Uploaded"  # another status is sent instead of an upload
        self.names_identity = names_identity
        self.site_profile = security_profile
        self.dialect = DIALECTS[version]
        self.connectors = [
            Connector(number, Meter(self.rng, max_power_w=power_w, phases=phases, dc=dc))
            for number in range(1, connectors + 1)
        ]
        self.settings = self.dialect.settings(self)
        for name, value in (settings or {}).items():
            self.settings.put(name, value)
        self.profiles = Profiles()
        self.der_controls: dict[str, dict[str, Any]] = {}
        self.local_list: dict[str, dict[str, Any]] = {}
        self.local_list_version = 0
        self.token_cache: dict[str, str] = {}
        self.token_groups: dict[str, str] = {}  # the group of each token that was authorized, "" without one
        self.certificates = CertificateStore(self.clock.now)
        self.contracts = Contracts(self)
        self.signing = Signing(self, key_kind=key_kind)
        self.displays: dict[int, dict[str, Any]] = {}
        self.monitors = hard_wired()
        self.network_profiles: dict[int, dict[str, Any]] = {}
        self.network = Network(self, profile=security_profile, urls=urls, trusts_system=trusts_system)
        self.network.show_profile()
        self.jobs: dict[str, tuple[int | None, str]] = {}  # "firmware" and "log": request id and last status
        self.sessions: list[Session] = []
        self.costs: dict[str, float] = {}  # costs from CostUpdated, by transaction
        self.published: dict[str, str] = {}  # the last status of published firmware, by checksum
        self.tariffs = Tariffs()
        self.web_payments: list[int] = []  # the EVSEs of NotifyWebPaymentStarted
        self.outbox = Outbox(self)
        self._idle_follow_up: FollowUp | None = None

    # -- charging

    def connector(self, number: int) -> Connector:
        """Return the connector (1.6) or EVSE (2.x) with this number. Raises LookupError."""
        for connector in self.connectors:
            if connector.number == number:
                return connector
        raise LookupError(f"{self.identity} has no connector {number}")

    def plug_in(self, vehicle: Vehicle, connector: int = 1, **plan: Any) -> "asyncio.Task[Session]":
        """Start a session that a vehicle authorizes by its contract. Raises RuntimeError as :meth:`begin`."""
        return self.begin(connector, vehicle.emaid, token_type=EMAID, vehicle=vehicle, **plan)

    async def charge(self, connector: int = 1, token: str = "SIMULATED", **plan: Any) -> Session:  # noqa: S107
        """Run a whole session; see Session for the plan (``duration_s``, ``energy_wh``, ``cable_first``,
        ...).

        Returns when each of its messages was answered; while the station is offline that means waiting until
        it is back.
        """
        return await self.begin(connector, token, **plan)

    def begin(self, connector: int = 1, token: str = "SIMULATED", **plan: Any) -> "asyncio.Task[Session]":  # noqa: S107
        """Start a session and return its task. Raises RuntimeError when the connector is not free for this
        token. The group of a token that is not known yet comes with its authorization.
        """
        place = self.connector(connector)
        held, group = place.reservation, self.token_groups.get(token.lower())
        may_be_admitted = not held or held.admits(token, group) or (held.group and group is None)
        if not place.is_free or not place.operative or not may_be_admitted:
            raise RuntimeError(f"connector {connector} of {self.identity} is {place.status}")
        session = self.session_class(self, place, token, **plan)
        place.session = session
        self.sessions = [*self.sessions[-50:], session]
        return self.background(session.run(), name=f"session {self.identity}/{connector}")

    def session_of(self, transaction_id: Any) -> Session | None:
        """Return the running session with this transaction id, or None."""
        for connector in self.connectors:
            session = connector.session
            if session and session.transaction_id == transaction_id and not session.over.is_set():
                return session
        return None

    async def authorize(self, token: str, token_type: str = "ISO14443") -> str:  # noqa: S107
        """Return the authorization status of a token: from the CSMS, else the local list, else the offline
        policy.
        """
        listed = status_in_list(self, token)
        if listed and self.settings.boolean("pre_authorize"):
            return listed
        if self.online.is_set():
            with contextlib.suppress(NoAnswer, CallFailed):
                answer = await self.call("Authorize", self.dialect.authorize(token, token_type))
                status = self.dialect.token_status(answer) or "Invalid"
                self.token_cache[token.lower()] = status
                self.token_groups[token.lower()] = self.dialect.token_group(answer) or ""
                return status
        if self.settings.boolean("authorize_offline"):
            if listed:
                return listed
            if token.lower() in self.token_cache:
                return self.token_cache[token.lower()]
        return "Accepted" if self.settings.boolean("offline_unknown") else "Invalid"

    def limit_w(self, connector: Connector) -> float | None:
        """The limit in W of the charging profiles on a connector; None without any."""
        started = connector.session.started_at if connector.session else None
        return self.profiles.limit_w(connector.number, self.clock.now(), started, connector.meter.phases)

    async def set_status(self, connector: Connector, status: str) -> None:
        """Change a connector's status and send it when it differs on the wire."""
        connector.status = status
        connector.changed_at = self.clock.now()
        await self.announce(connector)

    async def announce(self, connector: Connector, *, again: bool = False) -> None:
        """Send StatusNotification unless this status was already sent; while offline, the last status is sent
        on reconnect.
        """
        wire_status = self.dialect.wire_status(connector.status)
        if not self.online.is_set() or (wire_status == connector.announced and not again):
            return
        connector.announced = wire_status
        try:
            await self.call("StatusNotification", self.dialect.status(self, connector))
        except (NoAnswer, CallFailed):
            connector.announced = None

    async def fault(self, connector: int, seconds: float, *, error_code: str = "GroundFailure") -> None:
        """Set a connector to Faulted for simulated seconds; a running session ends, as the
        contactor opens.
        """
        place = self.connector(connector)
        if place.session:
            place.session.request_stop("GroundFault" if error_code == "GroundFailure" else "Other")
            await place.session.over.wait()
        place.error_code = error_code
        await self.set_status(place, "Faulted")
        await remove(self, place)
        await self.clock.sleep(seconds)
        place.error_code = "NoError"
        await self.set_status(place, place.resting_status)

    async def reboot(self, reason: str, *, stop_reason: str | None = None) -> None:
        """Reboot: sessions end with stop_reason when one is given, the socket closes, and the station boots
        again.

        ``reason`` is a BootReason of 2.x, such as RemoteReset or FirmwareUpdate.
        """
        running = [connector.session for connector in self.connectors if connector.session]
        for session in running:
            if stop_reason:
                session.request_stop(stop_reason)
                await session.over.wait()
        self._may_connect.clear()
        await self._drop()
        self._boot_reason, self._needs_boot = reason, True
        if self.misbehaviour.loses_profiles:
            self.profiles.clear(lambda _installed: True)
        if self.misbehaviour.loses_tariffs:
            self.tariffs = Tariffs()
        self.settings.rebooted(loses=self.misbehaviour.loses_settings)
        self.network.rebooted()
        if self.password_after_restart is not None:
            self.password, self.password_after_restart = self.password_after_restart, None
        for connector in self.connectors:
            connector.announced = None  # after a boot every status is sent (1.6 section 4.9)
        await self.clock.sleep(BOOT_S)
        await self.go_online()

    async def use_certificate(self) -> None:
        """Reconnect with a new certificate as soon as it is valid (2.0.1 A02.FR.08)."""
        newest = self.certificates.own[STATION][-1]
        valid_in = (newest.leaf.not_valid_before_utc - self.clock.now()).total_seconds()
        if valid_in > 0:
            await asyncio.sleep(valid_in)
        if self.network.profile == WITH_CERTIFICATE and not self.misbehaviour.ignores_certificates:
            await self.reconnect()

    async def outbox_drained(self) -> None:
        """Wait until the message queue is empty or the station is offline."""
        while self.outbox.waiting and self.online.is_set():
            await self.answered_or_offline(self.outbox.waiting[-1])

    async def answered_or_offline(self, message: TransactionMessage) -> None:
        """Wait until a message is done or the station is offline."""
        waits = [asyncio.create_task(message.done.wait()), asyncio.create_task(self.offline.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def when_idle(self, follow_up: FollowUp) -> None:
        """Run a follow-up as soon as no session runs (Reset OnIdle)."""
        self._idle_follow_up = follow_up

    def session_ended(self) -> None:
        if self._idle_follow_up and not any(connector.session for connector in self.connectors):
            follow_up, self._idle_follow_up = self._idle_follow_up, None
            self.background(follow_up(), name="when idle")
