"""The results of a command that was sent to several stations. The operator's session keeps them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Command
from ocpp_server.admin import cells, tones
from operations import changes, command_log
from operations.sending import Attempt, Kind

# The session keeps the newest batches, each at most 50 kB.
_SESSION_KEY, _KEPT = "commands_sent_to_many", 5
_RESULTS = {
    Kind.SENT: (_("Sent"), tones.SUCCESS),
    Kind.OFFLINE: (_("Offline"), tones.NEUTRAL),
    Kind.UNSUPPORTED: (_("Not supported"), tones.WARNING),
    Kind.REFUSED: (_("Refused"), tones.DANGER),
}


@dataclass(frozen=True)
class Batch:
    """What an operator sent to several stations. `sent` has an attempt per station, in their order; it is
    None while the stations get the command.
    """

    command: str
    stations: tuple[tuple[int, str], ...]
    sent: tuple[Attempt, ...] | None = None

    @classmethod
    def load(cls, request: HttpRequest, number: str) -> Batch | None:
        stored = request.session.get(_SESSION_KEY, {}).get(number)
        if stored is None:
            return None
        sent = stored["sent"]
        return cls(
            stored["command"],
            tuple((pk, identity) for pk, identity in stored["stations"]),
            None if sent is None else tuple(Attempt(**one | {"kind": Kind(one["kind"])}) for one in sent),
        )

    def store(self, request: HttpRequest, number: str) -> None:
        kept = {**request.session.get(_SESSION_KEY, {}), number: asdict(self)}
        request.session[_SESSION_KEY] = dict(list(kept.items())[-_KEPT:])


def snapshot(batch: Batch) -> dict[str, Any]:
    """The table of the result page; two queries for any number of stations."""
    mark = changes.mark()
    attempts = batch.sent or ()
    rows = Command.objects.in_bulk([one.command for one in attempts if one.command])
    finished = sum(not one.command or _is_finished(rows.get(one.command)) for one in attempts)
    sentence = gettext("%(finished)s of %(all)s finished")
    return {
        "mark": mark,
        "values": {
            "progress": cells.text(sentence % {"finished": finished, "all": len(batch.stations)}),
        },
        "tables": {
            "stations": [
                _row(pk, identity, one, rows.get(one.command))
                for (pk, identity), one in zip(batch.stations, attempts, strict=False)
            ]
        },
        "ended": batch.sent is not None and finished == len(attempts),
    }


def _is_finished(command: Command | None) -> bool:
    return command is None or command.is_finished


def _row(pk: int, identity: str, one: Attempt, command: Command | None) -> cells.Row:
    words, tone = _RESULTS[one.kind]
    return [
        cells.text(identity, href=reverse("admin:station", args=[pk])),
        cells.label(words, tone, note=one.sentence),
        command_log.action(command) if command else cells.text("–"),
        command_log.state(command) if command else cells.text("–"),
        command_log.duration(command) if command else cells.text("–"),
    ]
