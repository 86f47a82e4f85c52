"""ChangeAvailability: at once, or when the transaction has ended."""

from typing import Any

from simulator.answers.reservation import remove
from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers, evse_number
from simulator.versions import V16, V21, V201


@answers("ChangeAvailability", V16, V201, V21)
def change_availability(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    """Answer ChangeAvailability (1.6 section 5.2, 2.0.1 G03 and G04). Connector or EVSE 0 (or none) is the
    whole station.
    """
    number = evse_number(payload)
    operative = payload.get("type", payload.get("operationalStatus")) == "Operative"
    connectors = [one for one in station.connectors if number in (0, one.number)]
    if not connectors:
        return REJECTED
    busy = [one for one in connectors if one.session]
    for connector in connectors:
        if connector.session:
            connector.next_operative = operative
        else:
            connector.operative = operative

    async def show() -> None:
        for connector in connectors:
            if connector.session is None:
                await station.set_status(connector, connector.resting_status)
                if not connector.operative:
                    await remove(station, connector)

    return ({"status": "Scheduled"} if busy and not operative else ACCEPTED), show
