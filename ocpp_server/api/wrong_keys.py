"""Wrong API keys are limited for each client address, as wrong passwords are. Valid keys are not."""

from __future__ import annotations

from typing import Final

import structlog

from ocpp_server.addresses import address_key
from ocpp_server.api import per_minute

log = structlog.get_logger(__name__)

# Wrong keys from one address in a minute; the next ones are answered 429.
MAX_WRONG: Final = 10


def seconds_to_wait(address: str) -> float:
    """Count a wrong key. Returns 0 up to MAX_WRONG in a minute; then the seconds until the next minute."""
    network = address_key(address)
    count = per_minute.count("api:wrong-keys", network)
    if count <= MAX_WRONG:
        return 0.0
    if count == MAX_WRONG + 1:
        log.warning("api.wrong_keys", address=network, count=count)
    return per_minute.seconds_left()
