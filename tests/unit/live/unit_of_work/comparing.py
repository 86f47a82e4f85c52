"""The stored rows and the live state in a form that can be compared with another run of the same messages."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models

from ocpp_server import live
from ocpp_server.live import extensions
from ocpp_server.live.extensions import load_station
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.redis.publisher import Running
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from tests.unit.live.unit_of_work.failing import comparable, differences, live_state

OURS = (
    "accounts",
    "chargepoints",
    "transactions",
    "configuration",
    "smart_charging",
    "tariffs",
    "certificates",
    "events",
)
# A failed attempt is logged, and what it was about is kept for an operator: that is no effect of the message.
NO_EFFECT = ("Message", "QuarantinedMessage", "transaction.quarantined")
# The numbers of transactions begin here, so that no reading of a meter looks like one.
FIRST_NUMBER = 770_000
# The microseconds of a time may look like one.
_NUMBER = re.compile(r"(?<!\.)77\d{4}")
# Another value in every run: random, numbered in the background, or encrypted.
_DIFFERENT = ("uid", "position", "sequence", "personal_data", "password")


def stored(*, since: datetime) -> dict[str, list[str]]:
    """All rows by table, in the journal's thread. A time after `since` is when the server handled a message.

    Automatic keys are left out, and the numbers of transactions count from 0: a failed attempt uses up a
    number.
    """
    found: dict[str, list[str]] = {}
    for model in apps.get_models():
        if model._meta.app_label not in OURS or model.__name__ in NO_EFFECT or model._meta.proxy:
            continue
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField) and field.attname not in _DIFFERENT
        ]
        found_rows = model._default_manager.order_by("pk").values(*names)
        rows = [_row(row, since) for row in found_rows if row.get("type") not in NO_EFFECT]
        if rows:
            found[model.__name__] = rows
    return counted_from_0(found)


def _row(row: dict[str, Any], since: datetime) -> str:
    return repr(
        {name: _time(value, since) if isinstance(value, datetime) else value for name, value in row.items()}
    )


def _time(value: datetime, since: datetime) -> str:
    return "now" if value >= since else value.isoformat()


def counted_from_0(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows with the numbers of transactions replaced by their places, and in order."""
    numbers = sorted({number for rows in found.values() for row in rows for number in _NUMBER.findall(row)})
    place = {number: f"#{count}" for count, number in enumerate(numbers)}
    return {
        table: sorted(_NUMBER.sub(lambda match: place[match[0]], row) for row in rows)
        for table, rows in found.items()
    }


def loaded(station: Station) -> dict[str, Any]:
    """The live state of a station, with the index of running transactions that other stations read."""
    return _without_boot(live_state(station)) | {"index": indexed(live.state())}


async def rebuilt(station: Station) -> dict[str, Any]:
    """The same of a process that starts now and reads everything from the database."""
    fresh = await journal.run(load_station, station.pk, station.version)
    last_number, active = await journal.run(extensions.transactions.app.load_running)
    state = MemoryState()
    state.rebuild(last_number=last_number, active=active)
    return _without_boot(live_state(fresh)) | {"index": indexed(state)}


def _without_boot(state: dict[str, Any]) -> dict[str, Any]:
    """Leave out whether the station had ever booted when it connected: a boot does not change that."""
    del state["station"]["has_booted"]
    return state


def indexed(state: Any) -> dict[str, Any]:
    """The sessions by token and by group, with the values that other stations and processes read."""
    return {
        "running": {
            key: {number: comparable(Running.of(one)) for number, one in found.items()}
            for key, found in state._running.items()
        },
        "groups": {key: sorted(found) for key, found in state._groups.items()},
    }


async def assert_is_stored(station: Station, place: str) -> None:
    """The live state must equal the one that is rebuilt from the database."""
    wrong = differences(loaded(station), await rebuilt(station))
    assert not wrong, (place, wrong)


async def assert_no_other_session_is_seen(station: Station, place: str) -> None:
    """The sessions that other stations find must be those of the database, before the station reconnects."""
    stored_index = (await rebuilt(station))["index"]["running"]
    found = indexed(live.state())["running"]
    assert {key: set(some) for key, some in found.items()} == {
        key: set(some) for key, some in stored_index.items()
    }, place


def about_money(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows that must be there once although the answer of the database to their commit was lost.

    What a station only reports, such as a security event, has no key by which it could be recognised.
    """
    tables = ("Transaction", "TransactionEvent", "Reading", "RemoteStart", "Counter", "Settlement")
    events = [row for row in rows.get("Event", ()) if "'type': 'transaction." in row]
    return {table: found for table, found in rows.items() if table in tables} | {"Event": events}
