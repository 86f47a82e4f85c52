"""Search in the payloads of the message log. The database can't search them, because they are compressed.

So a search reads the messages of one station in a period. It takes about ten microseconds a message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from chargepoints.models import Message
from ocpp_server.domain import Invalid
from ocpp_server.observability.masking import masked_text

# Seven days, also when the clocks change in one of them.
LONGEST_PERIOD: Final = timedelta(days=7, hours=1)
MOST_READ: Final = 100_000
# Below the number of parameters that a query of SQLite may have.
MOST_FOUND: Final = 10_000
_COLUMNS: Final = ("request", "response", "request_text", "response_text")


def containing(messages: QuerySet[Message], text: str) -> list[int]:
    """The keys of the messages whose request or answer contains the text, in any case, newest first.

    A text in secrets that are masked is not found: repeated searches could guess them. The caller limits the
    messages to one station and LONGEST_PERIOD. Raises Invalid for more than MOST_READ messages, and for more
    than MOST_FOUND results.
    """
    rows = messages.order_by("-pk").values_list("pk", "action", *_COLUMNS)
    word, found = text.casefold(), []
    for number, (pk, action, *texts) in enumerate(rows[: MOST_READ + 1].iterator()):
        if number == MOST_READ:
            raise _too_many("messages", MOST_READ)
        if not any(word in each.casefold() for each in texts if each):
            continue
        if any(word in masked_text(each, action).casefold() for each in texts if each):
            found.append(pk)
            if len(found) > MOST_FOUND:
                raise _too_many("messages that contain the text", MOST_FOUND)
    return found


def _too_many(what: str, most: int) -> Invalid:
    return Invalid(f"The period has more than {most:,} {what}. Choose a shorter one.", field="contains")
