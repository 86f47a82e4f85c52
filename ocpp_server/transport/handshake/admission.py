"""The handshake: it decides whether a station may connect, and with which OCPP version. Refusals are stored
with their reasons.

A handshake never adds a station. Where unknown stations are not refused, the first BootNotification adds one
(`first_boot`).

The port `Admission` finds and registers stations and stores refusals. The app `chargepoints` fills it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from urllib.parse import unquote_to_bytes

from django.conf import settings

from ocpp_server import live
from ocpp_server.addresses import address_key
from ocpp_server.live.recent import Recent
from ocpp_server.ports import Port
from ocpp_server.protocol import identities
from ocpp_server.protocol.versions import negotiate
from ocpp_server.storage.journal import journal
from ocpp_server.transport.handshake import authentication, client_certificates, origin, profiles
from ocpp_server.transport.handshake.known_station import KnownStation
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# The limit of self-registration, against an attacker that registers stations without end (S12). Operators can
# add more.
MAX_REGISTERED = 50_000

FAILED_LOGIN = "FailedStationLogin"
NO_SUBPROTOCOL = 101
# The code of a connection that failed in the TLS handshake: there is no HTTP status.
NO_STATUS = 0
CLOSE_NO_SUBPROTOCOL = 1002

# The different unknown identities that each address has tried in this process.
_unknown = DistinctPerMinute()


@dataclass(frozen=True, slots=True)
class Handshake:
    """The request by which a station opens its socket."""

    path: str
    identity: str
    offered: list[str]
    address: str
    authorization: bytes | None
    origin: str
    is_tls: bool
    protocol_header: str
    own_origins: frozenset[str] = frozenset()
    # The client certificates of the TLS connection, in DER; the station's own one is the first.
    certificates: tuple[bytes, ...] = ()

    @classmethod
    def from_scope(cls, scope: dict[str, Any]) -> Handshake:
        headers = dict(scope.get("headers", ()))
        path = scope.get("raw_path") or scope["path"].encode()
        bare = path.partition(b"?")[0].rstrip(b"/")
        # "/ocpp" alone has no identity: it is missing in the settings of the station.
        last = b"" if bare == b"/ocpp" else bare.rpartition(b"/")[2]
        client = scope.get("client")
        return cls(
            path=path.decode("latin-1")[:1000],
            # Decoded from the raw path: in the decoded path, a%2Fb is already a/b.
            identity=unquote_to_bytes(last).decode("utf-8", "replace"),
            offered=list(scope.get("subprotocols", ())),
            address=client[0] if client else "",
            authorization=headers.get(b"authorization"),
            origin=headers.get(b"origin", b"").decode("latin-1"),
            is_tls=scope.get("scheme") == "wss",
            protocol_header=headers.get(b"sec-websocket-protocol", b"").decode("latin-1"),
            own_origins=origin.own_origins(scope),
            certificates=client_certificates.presented(scope),
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    """A station that may connect, and the OCPP version of the connection. `certificate_name` is the common
    name (CN) of the client certificate that it has proved itself by; empty without one.
    """

    charge_point: KnownStation
    version: str
    subprotocol: str | None
    certificate_name: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """Whether a station has proved its identity: `is_proved` is False for one that needs no proof."""

    is_proved: bool
    certificate_name: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown station whose socket may be opened: its first BootNotification adds it (`first_boot`)."""

    version: str
    subprotocol: str | None


class Refusal(Exception):
    """The handshake is refused with the HTTP status `status`. With 101 the handshake is completed without a
    subprotocol, and then the socket is closed. `security` is the type of the security event, if the refusal
    is one (S14). A refusal that `is_repeated` is neither logged nor stored.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        can_be_accepted: bool = False,
        security: str = "",
        is_repeated: bool = False,
    ) -> None:
        self.status = status
        self.reason = reason
        self.security = security
        self.can_be_accepted = can_be_accepted
        self.is_repeated = is_repeated
        super().__init__(reason)

    @property
    def code(self) -> int:
        """The code that is stored: the HTTP status, or the close code of a completed handshake."""
        return CLOSE_NO_SUBPROTOCOL if self.status == NO_SUBPROTOCOL else self.status


class Admission(Protocol):
    """The stored stations. A module with these functions can fill the port, as an object can.

    The functions use the database directly; the transport runs them in the journal.
    """

    def find(self, identities: list[str]) -> Sequence[KnownStation | None]:
        """The rows of these stations, which connect at the same time; None for an unknown one."""

    def register(self, identities: list[str]) -> Sequence[KnownStation | None]:
        """Add rows for unknown stations; None beyond MAX_REGISTERED."""

    def record(self, handshake: Handshake, refusal: Refusal) -> None:
        """Store a refused connection."""

    def prove(self, charge_point_pk: int, password_hash: str) -> None:
        """End the time in which two passwords of a station are accepted: it has logged on with this one."""

    def prove_profile(self, charge_point_pk: int, profile: int) -> None:
        """End the time in which two security profiles of a station are admitted, if a connection at this one
        does.
        """


port = Port[Admission]("Admission")

# `journal.together` needs a function that returns a list; the port promises a sequence.
_Find = Callable[[list[str]], list[KnownStation | None]]


async def admit(handshake: Handshake) -> Admitted | Unknown:
    """The charge point of a handshake, and the OCPP version of its connection. Raises Refusal."""
    _check_identity(handshake.identity)
    _check_header(handshake.protocol_header)
    failures, arrivals = await _recent().counts(
        address_key(handshake.address), handshake.identity, authentication.FAILURE, authentication.ARRIVAL
    )
    if failures >= authentication.MAX_FAILURES:
        raise Refusal(
            429, "Too many failed attempts from this address: wait a minute.", security="TooManyFailedLogins"
        )
    if arrivals >= authentication.MAX_ARRIVALS:
        raise Refusal(429, "The station connects more than once a second: it has to wait a minute.")
    charge_point = await find(handshake.identity)
    if charge_point is None:
        check_unknown(handshake)
    login = Login(False) if charge_point is None else await _authenticate(charge_point, handshake)
    if not login.is_proved:
        _check_origin(handshake)
    await _note(handshake, authentication.ARRIVAL)
    version, subprotocol = _version(handshake)
    return (
        Unknown(version, subprotocol)
        if charge_point is None
        else Admitted(charge_point, version, subprotocol, login.certificate_name)
    )


def check_unknown(handshake: Handshake) -> None:
    """Refuse an unknown identity: always, or when its address has tried too many of them.

    This hashes no password: each of many random names would cost 50 ms. The time shows that an identity is
    unknown, as the status does. Known stations behind the same address are not limited (R36).
    """
    limit = settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE
    refused = _unknown.refused(address_key(handshake.address), handshake.identity, limit)
    if refused:
        raise Refusal(
            429,
            f"More than {limit} unknown identities within a minute from this address.",
            is_repeated=refused > 1,
        )
    _check_new_identity(handshake.identity)
    if settings.OCPP_UNKNOWN_STATIONS == "refuse":
        raise Refusal(404, "No charge point has this identity.", can_be_accepted=True)


def _recent() -> Recent:
    return live.state().recent


async def _note(handshake: Handshake, kind: str) -> None:
    await _recent().note(address_key(handshake.address), handshake.identity, kind)


def _check_identity(identity: str) -> None:
    if not identity:
        raise Refusal(404, "The URL ends without an identity: connect to .../ocpp/<identity>.")
    if fault := identities.fault(identity):
        raise Refusal(404, f"The identity {fault}.")


def _check_new_identity(identity: str) -> None:
    if fault := identities.fault_of_new(identity):
        raise Refusal(404, f"No charge point has this identity, and a new one {fault}.")


def _check_origin(handshake: Handshake) -> None:
    if not origin.is_allowed(handshake.origin, handshake.own_origins):
        raise Refusal(
            403,
            f"The station has no password, and its Origin {handshake.origin[:100]} could be that of a web "
            "page. Set a password, or add the Origin to OCPP_ALLOWED_ORIGINS.",
            security="RefusedOrigin",
        )


def _check_header(header: str) -> None:
    if not header:
        return
    items = [item.strip() for item in header.split(",")]
    if len(set(items)) < len(items) or not all(_TOKEN.fullmatch(item) for item in items):
        raise Refusal(400, "The header Sec-WebSocket-Protocol is malformed.")


def _version(handshake: Handshake) -> tuple[str, str | None]:
    chosen = negotiate(handshake.offered)
    if chosen is None and not handshake.offered and settings.OCPP_ASSUME_SUBPROTOCOL:
        return settings.OCPP_ASSUME_SUBPROTOCOL, None
    if chosen is None:
        offered = ", ".join(handshake.offered)[:200]
        problem = (
            f"The station offers only the subprotocol {offered}."
            if offered
            else "The station did not ask for OCPP (no subprotocol)."
        )
        status = NO_SUBPROTOCOL if settings.OCPP_NO_COMMON_SUBPROTOCOL == "close" else 400
        raise Refusal(status, f"{problem} Set it to OCPP 1.6-J, 2.0.1 or 2.1.")
    return chosen, chosen


async def _authenticate(charge_point: KnownStation, handshake: Handshake) -> Login:
    """The login of the station, by a client certificate or a password. Raises Refusal."""
    now = datetime.now(UTC)
    pinned = profiles.Pinned(
        charge_point.security_profile,
        charge_point.next_security_profile,
        charge_point.next_security_profile_until,
    )
    profile = profiles.chosen(
        pinned,
        now,
        is_tls=handshake.is_tls,
        has_login=authentication.credentials(handshake.authorization) is not None,
        has_certificate=bool(handshake.certificates),
    )
    login = await _check_profile(charge_point, handshake, profile)
    reached = profiles.reached(profile, has_password=login.is_proved)
    if profiles.proves(pinned, reached, now):
        await journal.run(port.app.prove_profile, charge_point.pk, reached)
    return login


async def _check_profile(charge_point: KnownStation, handshake: Handshake, profile: int) -> Login:
    """Check a handshake by the rules of this security profile. As `_authenticate`."""
    if profile >= profiles.WITH_TLS and not handshake.is_tls:
        raise Refusal(401, profiles.without_tls(profile), security="RefusedSecurityProfile")
    if profile >= profiles.WITH_CERTIFICATE:
        verdict = await client_certificates.check(charge_point, handshake.certificates)
        if isinstance(verdict, client_certificates.Refused):
            raise Refusal(401, verdict.reason, security=client_certificates.REFUSED)
        return Login(True, verdict.common_name)
    return Login(await _has_proved_password(charge_point, handshake, profile))


async def _has_proved_password(charge_point: KnownStation, handshake: Handshake, profile: int) -> bool:
    """Whether the station has proved a password; False for one that needs none. Raises Refusal."""
    given = authentication.credentials(handshake.authorization)
    if profile == 0 and not charge_point.password_hash:
        # Until the station logs on with the first password that it was sent, it needs none.
        if given is None or not charge_point.next_password_hash:
            return False
        return await _proved(charge_point, handshake, *given)
    if given is None:
        await _note(handshake, authentication.FAILURE)
        raise Refusal(401, "The station needs a password and sent none.", security=FAILED_LOGIN)
    user, password = given
    if not await _proved(charge_point, handshake, user, password):
        if not _is_user(charge_point, handshake, user):
            reason = "The user name is not the identity."
        elif charge_point.password_hash:
            reason = "The password is wrong."
        else:
            reason = "No password is set for this station."
        await _note(handshake, authentication.FAILURE)
        raise Refusal(401, reason, security=FAILED_LOGIN)
    return True


def _is_user(charge_point: KnownStation, handshake: Handshake, user: str) -> bool:
    return not charge_point.checks_username or authentication.is_user(user, handshake.identity)


async def _proved(charge_point: KnownStation, handshake: Handshake, user: str, password: bytes) -> bool:
    """Whether the station has logged on with its password, or with the next one that it was sent (A01).

    The next password replaces the present one as soon as it is proved. The present one proves that the next
    one was not taken, once its command can't reach the station any more and if it was not answered: a station
    that answered RebootRequired goes on with the present one until it restarts.
    """
    present, following = charge_point.password_hash, charge_point.next_password_hash
    fits = await authentication.verify(present, password)
    is_next = not fits and bool(following) and await authentication.verify(following, password)
    if not (fits or is_next) or not _is_user(charge_point, handshake, user):
        return False
    until = charge_point.next_password_until
    if is_next or (following and until is not None and until < datetime.now(UTC)):
        await journal.run(port.app.prove, charge_point.pk, following if is_next else present)
    return True


async def find(identity: str) -> KnownStation | None:
    """The row of a station, None for an unknown one. Handshakes at the same time share one query."""
    return await journal.run_batched(cast(_Find, port.app.find), identity)


async def enter(handshake: Handshake) -> KnownStation:
    """Add the row of an unknown station that has sent its first boot. Raises Refusal.

    An operator may have added the row meanwhile, with a password: then the handshake needs it.
    """
    charge_point = await register(handshake.identity)
    login = await _authenticate(charge_point, handshake)
    if login.certificate_name:
        # Its boot is compared with the certificate, which a known station's connection has from its start.
        raise Refusal(503, "An operator has just added the station: it has to connect again.")
    return charge_point


async def register(identity: str) -> KnownStation:
    """Add a row for an unknown station, unless it has one by now. Raises Refusal beyond MAX_REGISTERED."""
    charge_point = await journal.run_batched(cast(_Find, port.app.register), identity)
    if charge_point is None:
        raise Refusal(404, f"Self-registration limit reached ({MAX_REGISTERED:,} charge points).")
    return charge_point


async def record(handshake: Handshake, refusal: Refusal) -> None:
    """Store a refused connection."""
    await journal.run(port.app.record, handshake, refusal)
