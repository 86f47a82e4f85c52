"""The handshake: who wants to connect, and whether it may. Every refusal is recorded with its reason in
words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from chargepoints.models import ChargePoint, RefusedConnection
from chargepoints.services import security
from ocpp_server import live
from ocpp_server.live.recent import Recent
from ocpp_server.observability import measures
from ocpp_server.protocol.versions import V2X, VERSIONS, negotiate
from ocpp_server.storage.journal import journal
from ocpp_server.transport.handshake import authentication

MAX_IDENTITY_16 = 255
MAX_IDENTITY_2X = 48  # 2.0.1 part 4 3.1.1
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN_IN_IDENTITY = re.compile(r"[\x00-\x1f\x7f/\\:]")
# Where stations register by themselves, an attacker could go on for ever (S12); people can enter more.
MAX_REGISTERED = 50_000
# What is kept for the operator to look at; the oldest makes room.
MAX_REFUSALS = 10_000
# The same refusal again within this time is counted in the same row: a charger may try every second.
_COALESCE = timedelta(minutes=10)
# Stations that one statement is about.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the station sent to open its socket."""

    path: str
    identity: str
    offered: list[str]
    address: str
    authorization: bytes | None
    origin: str
    is_tls: bool
    protocol_header: str

    @classmethod
    def from_scope(cls, scope: dict[str, Any]) -> Handshake:
        headers = dict(scope.get("headers", ()))
        path = scope.get("raw_path") or scope["path"].encode()
        bare = path.partition(b"?")[0].rstrip(b"/")
        # The endpoint's own address: whoever entered it forgot the identity.
        last = b"" if bare == b"/ocpp" else bare.rpartition(b"/")[2]
        client = scope.get("client")
        return cls(
            path=path.decode("latin-1")[:1000],
            # Decoded once, from the raw path: in the decoded one a%2Fb has become a/b.
            identity=unquote_to_bytes(last).decode("utf-8", "replace"),
            offered=list(scope.get("subprotocols", ())),
            address=client[0] if client else "",
            authorization=headers.get(b"authorization"),
            origin=headers.get(b"origin", b"").decode("latin-1"),
            is_tls=scope.get("scheme") == "wss",
            protocol_header=headers.get(b"sec-websocket-protocol", b"").decode("latin-1"),
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    charge_point: ChargePoint
    version: str
    subprotocol: str | None


class Refusal(Exception):
    """The handshake is refused. `status` is HTTP's; 101 means: complete the handshake without a
    subprotocol, then close. `security` is the type of the security event it is, where it is one (S14).
    """

    def __init__(
        self, status: int, reason: str, *, can_be_accepted: bool = False, security: str = ""
    ) -> None:
        self.status = status
        self.reason = reason
        self.security = security
        self.can_be_accepted = can_be_accepted
        super().__init__(reason)


FAILED_LOGIN = "FailedStationLogin"
NO_SUBPROTOCOL = 101
CLOSE_NO_SUBPROTOCOL = 1002


async def admit(handshake: Handshake) -> Admitted:
    """The charge point behind a handshake and the version it will speak. Raises Refusal."""
    _check_identity(handshake.identity)
    _check_header(handshake.protocol_header)
    if handshake.origin and handshake.origin not in settings.OCPP_ALLOWED_ORIGINS:
        raise Refusal(
            403,
            f"A browser at {handshake.origin[:100]} asked: only stations connect here.",
            security="RefusedOrigin",
        )
    failures, arrivals = await _recent().counts(
        handshake.address, handshake.identity, authentication.FAILURE, authentication.ARRIVAL
    )
    if failures >= authentication.MAX_FAILURES:
        raise Refusal(
            429, "Too many failed attempts from this address: wait a minute.", security="TooManyFailedLogins"
        )
    if arrivals >= authentication.MAX_ARRIVALS:
        raise Refusal(429, "The station connects more than once a second: it has to wait a minute.")
    charge_point = await journal.together(find, handshake.identity)
    if charge_point is None:
        if settings.OCPP_UNKNOWN_STATIONS == "refuse":
            # As slow as a wrong password, so that the time does not tell which identities exist.
            await authentication.verify("", b"nobody")
            raise Refusal(404, "No charge point has this identity.", can_be_accepted=True)
    else:
        await _authenticate(charge_point, handshake)
    await _recent().note(handshake.address, handshake.identity, authentication.ARRIVAL)
    version, subprotocol = _version(handshake)
    if charge_point is None:
        charge_point = await journal.together(register, handshake.identity)
        if charge_point is None:
            raise Refusal(404, f"{MAX_REGISTERED} charge points are entered: no more register by themselves.")
    return Admitted(charge_point, version, subprotocol)


def _recent() -> Recent:
    return live.state().recent


def _check_identity(identity: str) -> None:
    if not identity:
        raise Refusal(404, "The URL ends without an identity: connect to .../ocpp/<identity>.")
    if _FORBIDDEN_IN_IDENTITY.search(identity) or identity in (".", "..") or "\ufffd" in identity:
        raise Refusal(404, "The identity holds a character that is not allowed (control characters, / \\ :).")
    if len(identity) > MAX_IDENTITY_16:
        raise Refusal(404, f"The identity is longer than {MAX_IDENTITY_16} characters.")


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
        offered = ", ".join(handshake.offered)[:200] or "none"
        raise Refusal(
            NO_SUBPROTOCOL, f"No subprotocol in common: offered {offered}, spoken here {', '.join(VERSIONS)}."
        )
    if chosen in V2X and len(handshake.identity) > MAX_IDENTITY_2X:
        raise Refusal(404, f"The identity is longer than the {MAX_IDENTITY_2X} characters of OCPP 2.x.")
    return chosen, chosen


async def _authenticate(charge_point: ChargePoint, handshake: Handshake) -> None:
    profile = charge_point.security_profile
    if profile >= 2 and not handshake.is_tls:
        raise Refusal(
            401,
            f"Security profile {profile} needs TLS, this connection has none.",
            security="RefusedSecurityProfile",
        )
    if profile >= 3:
        raise Refusal(
            401,
            "Security profile 3 needs a client certificate, which this server can't check yet.",
            security="RefusedSecurityProfile",
        )
    if profile == 0 and not charge_point.password_hash:
        return
    given = authentication.credentials(handshake.authorization)
    if given is None:
        await _recent().note(handshake.address, handshake.identity, authentication.FAILURE)
        raise Refusal(401, "The station needs a password and sent none.", security=FAILED_LOGIN)
    user, password = given
    fits = await authentication.verify(charge_point.password_hash, password)
    if charge_point.checks_username and not authentication.is_user(user, handshake.identity):
        fits, reason = False, "The user name is not the identity."
    else:
        reason = (
            "The password is wrong." if charge_point.password_hash else "No password is set for this station."
        )
    if not fits:
        await _recent().note(handshake.address, handshake.identity, authentication.FAILURE)
        raise Refusal(401, reason, security=FAILED_LOGIN)


def find(identities: list[str]) -> list[ChargePoint | None]:
    """The charge points of all who connect at this moment; None for strangers."""
    found: dict[str, ChargePoint] = {}
    for start in range(0, len(identities), _AT_ONCE):
        rows = ChargePoint.objects.by_identities(identities[start : start + _AT_ONCE])
        found |= {row.identity_key: row for row in rows}
    return [found.get(identity.casefold()) for identity in identities]


def register(identities: list[str]) -> list[ChargePoint | None]:
    """Make charge points of stations nobody announced, as OCPP_UNKNOWN_STATIONS says; None beyond the limit.

    Another connection or process may have made one since it was looked for: that one is taken.
    """
    registration = (
        ChargePoint.Registration.ACCEPTED
        if settings.OCPP_UNKNOWN_STATIONS == "accept"
        else ChargePoint.Registration.PENDING
    )
    strangers = {identity.casefold(): identity for identity in identities}
    room = max(0, MAX_REGISTERED - ChargePoint.objects.count())
    made = [
        ChargePoint(identity=identity, identity_key=key, registration_status=registration)
        for key, identity in list(strangers.items())[:room]
    ]
    ChargePoint.objects.bulk_create(made, batch_size=_AT_ONCE, ignore_conflicts=True)
    return find(identities)


async def record(handshake: Handshake, refusal: Refusal) -> None:
    """Note a refused connection for the engineer who looks for it."""
    if refusal.security:
        measures.authentication_failures.add(refusal.security)
    await journal.run(_record, handshake, refusal)


def _record(handshake: Handshake, refusal: Refusal) -> None:
    now = datetime.now(UTC)
    identity = handshake.identity.replace("\0", "\ufffd")[:255]
    known = RefusedConnection.objects.filter(
        identity=identity,
        remote_address=handshake.address,
        code=_code(refusal),
        reason=refusal.reason[:500],
        at__gte=now - _COALESCE,
    ).first()
    if known is not None:
        known.count += 1
        known.at = now
        known.save(update_fields=["count", "at"])
        return
    if RefusedConnection.objects.count() >= MAX_REFUSALS:
        RefusedConnection.objects.filter(pk=RefusedConnection.objects.earliest("at").pk).delete()
    RefusedConnection.objects.create(
        identity=identity,
        remote_address=handshake.address[:64],
        path=handshake.path,
        subprotocols=handshake.protocol_header[:500],
        had_credentials=handshake.authorization is not None,
        code=_code(refusal),
        reason=refusal.reason[:500],
        can_be_accepted=refusal.can_be_accepted,
        at=now,
    )
    charge_point = find([identity])[0] if refusal.security else None
    if charge_point is not None:
        # One a row of the handshake log: its repetitions are counted there.
        sentence = f"{refusal.reason} From {handshake.address or 'an unknown address'}."
        security.record(charge_point=charge_point, type=refusal.security, tech_info=sentence)


def _code(refusal: Refusal) -> int:
    return CLOSE_NO_SUBPROTOCOL if refusal.status == NO_SUBPROTOCOL else refusal.status
