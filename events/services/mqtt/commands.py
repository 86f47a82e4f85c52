"""Commands that arrive as messages on `.../set` topics: from a topic and a payload to a declared command."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import structlog
from django.conf import settings

from chargepoints.models import ChargePoint
from chargepoints.services.campaigns.command import declared, validated
from ocpp_server.domain import DomainError, Invalid, Missing
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.storage.journal import journal
from transactions.models import Transaction

log = structlog.get_logger(__name__)

ACTOR: Final = "mqtt"
# Of the profile that is a limit by MQTT.
LIMIT_PURPOSE: Final = "TxDefaultProfile"
_ON, _OFF = "true", "false"
_AMPERES: Final = re.compile(r"\d{1,4}(?:\.\d{1,3})?", re.ASCII)


class Wish(NamedTuple):
    """A message on a `set` topic. `outlet` is None for the whole station."""

    identity: str
    outlet: int | None
    name: str
    payload: str


def parsed(root: str, topic: str, payload: bytes) -> Wish | None:
    """The wish of a message; None for other topics."""
    levels = topic.removeprefix(f"{root}/").split("/")
    if len(levels) not in (3, 4) or levels[-1] != "set" or not topic.startswith(f"{root}/"):
        return None
    outlet = levels[1] if len(levels) == 4 else ""
    if outlet and not (outlet.isascii() and outlet.isdigit() and len(outlet) < 6):
        return None
    text = payload[:300].decode("utf-8", "replace").strip()
    return Wish(unquote(levels[0]), int(outlet) if outlet else None, levels[-2], text)


def command_of(wish: Wish, session: int | None) -> tuple[str, dict[str, Any]]:
    """The name of the command and its fields. `session` is the running one of the EVSE. Raises Invalid."""
    outlet, payload = wish.outlet, wish.payload
    if outlet is None and wish.name == "reset":
        return "reset", {"type": "Hard" if payload.lower() == "hard" else "Soft"}
    if outlet is not None:
        if wish.name == "charge":
            return _start(outlet, "") if _flag(payload) else _stop(session)
        if wish.name == "start":
            return _start(outlet, payload)
        if wish.name == "stop":
            return _stop(session)
        if wish.name == "unlock":
            return "unlock", {"connectorId": outlet}
        if wish.name == "enable":
            kind = "Operative" if _flag(payload) else "Inoperative"
            return "availability", {"connectorId": outlet, "type": kind}
        if wish.name == "max_current":
            return _limit(outlet, payload)
    raise Invalid(f"There is no topic {wish.name}/set here.", field="topic")


def _start(outlet: int, id_tag: str) -> tuple[str, dict[str, Any]]:
    token = id_tag or settings.MQTT_ID_TAG
    if not token:
        raise Invalid("The payload is empty, and MQTT_ID_TAG has no token.", field="payload")
    return "remote-start", {"connectorId": outlet, "idTag": token}


def _stop(session: int | None) -> tuple[str, dict[str, Any]]:
    if session is None:
        raise Invalid("The EVSE has no running session.", field="topic")
    return "remote-stop", {"transactionId": session}


def _limit(outlet: int, payload: str) -> tuple[str, dict[str, Any]]:
    """A limit of the EVSE for this session and those that follow. It replaces the one before."""
    if not _AMPERES.fullmatch(payload):
        raise Invalid("Must be a number of amperes, such as 16 or 7.5.", field="payload")
    amperes = float(payload)
    return "set-charging-profile", {
        "connectorId": outlet,
        "chargingProfilePurpose": LIMIT_PURPOSE,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amperes}],
    }


def _flag(payload: str) -> bool:
    if payload.lower() not in (_ON, _OFF):
        raise Invalid("Must be true or false.", field="payload")
    return payload.lower() == _ON


async def carry_out(wish: Wish) -> None:
    """Send the command that a message wishes for. A refusal is logged: MQTT has no answer."""
    try:
        charge_point, session = await journal.run(_found, wish)
        name, fields = command_of(wish, session)
        command = declared(name)
        await command.perform(
            charge_point, actor=ACTOR, wait=False, **validated(command, fields, below="payload")
        )
    except (DomainError, LiveStateUnavailable) as error:
        log.warning("mqtt.refused", station=wish.identity, wish=wish.name, reason=str(error))
    else:
        log.info("mqtt.sent", station=wish.identity, wish=wish.name, command=name)


def _found(wish: Wish) -> tuple[ChargePoint, int | None]:
    """The station, and the number of the running session of the EVSE. Raises Missing."""
    # PostgreSQL refuses a query for text with NUL.
    charge_point = ChargePoint.objects.by_identity(wish.identity.replace("\0", "")).first()
    if charge_point is None:
        raise Missing(f"Station {wish.identity!r} not found.")
    running = Transaction.objects.filter(
        charge_point=charge_point, evse_number=wish.outlet, status=Transaction.Status.ACTIVE
    )
    return charge_point, running.order_by("-pk").values_list("pk", flat=True).first()
