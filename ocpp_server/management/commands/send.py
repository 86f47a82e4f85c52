"""Send any command of the station's OCPP version."""

import json
from typing import Any

from ocpp_server.management.aliases import STATION, Alias


class Command(Alias):
    help = 'Send any command of the station\'s OCPP version, such as: send CP-1 Reset \'{"type": "Soft"}\'.'
    path = "commands"
    arguments = (
        STATION,
        ("action", {"help": "OCPP action, such as Reset"}),
        ("payload", {"nargs": "?", "default": "{}", "help": "its payload as JSON (default %(default)s)"}),
    )

    def body(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            payload = json.loads(options["payload"])
        except ValueError as error:
            raise ValueError(f"The payload is not JSON: {error}.") from None
        if not isinstance(payload, dict):
            raise ValueError('The payload must be a JSON object, such as {"type": "Soft"}.')
        return {"action": options["action"], "payload": payload}
