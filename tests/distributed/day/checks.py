"""The checks of the evening: what each station has and has got, against what the server shows."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_server.storage.compression import decompressed
from simulator import V16
from simulator.session import Session
from tests.direct.samples import expanded
from tests.distributed.day import campaign
from tests.distributed.day.course import BLOCKED, Day
from tests.distributed.day.operator import Wish
from tests.distributed.day.stations import RESERVED, DayStation

# A station must get one of each in a day.
ONCE = (
    ("ReserveNow",),
    ("SetChargingProfile",),
    ("RemoteStartTransaction", "RequestStartTransaction"),
)
# `chargepoints.jobs.COMMAND_GRACE`, and the interval of its job with a margin.
OVERDUE = timedelta(seconds=60 + 15)
_OF_A_SESSION = ("status", "id_token", "meter_start_wh", "meter_stop_wh", "energy_wh")


class Evening:
    """The day that is over, and the rows of the server's tables, each read once."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self._tables: dict[str, dict[str, list[dict[str, Any]]]] = {}
        tokens = day.cluster.rows("SELECT id, uid FROM accounts_token")
        self.tokens = {row["id"]: row["uid"].lower() for row in tokens}
        own = day.cluster.rows("SELECT id FROM chargepoints_campaign WHERE kind = %s", campaign.KIND)
        self.campaigns = {row["id"] for row in own}
        versions = day.cluster.rows("SELECT identity, firmware_version FROM chargepoints_chargepoint")
        self.versions = {row["identity"]: row["firmware_version"] for row in versions}

    def rows(self, station: DayStation, table: str) -> list[dict[str, Any]]:
        """The rows of a station, in the order of their keys."""
        if table not in self._tables:
            found = self._tables[table] = {}
            sql = f"SELECT t.*, c.identity AS station FROM {table} t JOIN chargepoints_chargepoint c"
            for row in self.day.cluster.rows(f"{sql} ON c.id = t.charge_point_id ORDER BY t.id"):
                found.setdefault(row["station"], []).append(row)
        return self._tables[table].get(station.identity, [])

    def wish(self, station: DayStation, command: str) -> Wish:
        wishes = [one for one in self.day.operator.wishes if one.station is station]
        (wish,) = [one for one in wishes if one.command == command]
        return wish


def violations(day: Day) -> list[str]:
    """Every difference between the stations and the server, and everything that was sent twice."""
    evening = Evening(day)
    found: list[str] = []
    for station in day.stations:
        for check in CHECKS:
            name = f"{station.identity} ({station.make.name})"
            found += [f"{name}: {sentence}" for sentence in check(evening, station)]
    quarantined = day.cluster.rows("SELECT reason FROM transactions_quarantinedmessage")
    found += [f"a message was put aside: {row['reason']}" for row in quarantined]
    if "Traceback" in day.cluster.log():
        found.append("a process has logged a traceback")
    return found


# -- frames --------------------------------------------------------------------------------------------------


def _frames(evening: Evening, station: DayStation) -> Iterator[str]:
    ids = Counter(call[1] for call in station.received)
    yield from (f"the id {one} came {count} times" for one, count in ids.items() if count > 1)
    for actions in ONCE:
        calls = station.calls(*actions)
        if len(calls) != 1:
            yield f"{actions[0]} came {len(calls)} times"
    stored = {row["id"]: row for row in evening.rows(station, "chargepoints_command")}
    yield from (f"{call[2]} has no command" for call in station.received if call[1] not in stored)
    # The command of a process that has died ends a minute after its deadline.
    late = datetime.now(UTC) - OVERDUE
    for row in stored.values():
        if row["state"] in ("queued", "sent") and row["deadline_at"] < late:
            yield f"{row['action']} has not ended"


# -- the state of the station --------------------------------------------------------------------------------


def _reservation(evening: Evening, station: DayStation) -> Iterator[str]:
    """One reservation. Requests before it that were refused because they were not sent do not count."""
    reservations = evening.rows(station, "transactions_reservation")
    rows = [row["state"] for row in reservations if row["reason"] != "not-sent"]
    held = station.station.connector(RESERVED).reservation
    used = [session for session in station.sessions if session.reservation_id is not None]
    expected = "used" if used else "accepted" if held else "refused"
    allowed = {expected}
    if held and not evening.wish(station, "reserve").is_answered:
        allowed.add("unanswered")
    if len(rows) != 1 or rows[0] not in allowed:
        yield f"the reservation is {rows} instead of {expected}"
    if station.make.takes_reservations != (expected != "refused"):
        yield f"the reservation is {expected} at the station"


def _profile(evening: Evening, station: DayStation) -> Iterator[str]:
    rows = [
        row for row in evening.rows(station, "smart_charging_installedprofile") if row["ended_at"] is None
    ]
    shown = [(row["profile_id"], row["evse_number"]) for row in rows]
    has = [(one.id, one.evse) for one in station.station.profiles.installed]
    is_certain = evening.wish(station, "set-charging-profile").is_answered
    if shown != has and is_certain:
        yield f"the profiles are {shown} instead of {has}"
    if station.make.takes_profiles != bool(has):
        yield f"the profiles at the station are {has}"
    states = {row["state"] for row in rows}
    if not states <= {"installed", "unverified"} or ("unverified" in states and station.station.boots < 2):
        yield f"the profile is {states}"


def _list(evening: Evening, station: DayStation) -> Iterator[str]:
    (row,) = evening.rows(station, "configuration_locallist")
    if not station.make.has_list:
        if row["state"] != "unsupported":
            yield f"the local list is {row['state']}"
        return
    if (row["state"], row["version"]) != ("in_sync", station.station.local_list_version):
        yield (
            f"the local list is {row['state']}, version {row['version']} instead of"
            f" {station.station.local_list_version}: {row['reason']}"
        )
    wanted = {uid.lower() for uid in evening.day.tokens}
    if station.listed != wanted:
        yield f"the local list lacks {wanted - station.listed} and has {station.listed - wanted}"
    if BLOCKED.lower() in station.listed:
        yield "the local list has the blocked token"
    entries = json.loads(decompressed(row["entries"])) if row["entries"] else {}
    shown = {evening.tokens[int(pk)] for pk in entries}
    if shown != station.station.local_list.keys():
        yield f"the server shows {shown ^ station.station.local_list.keys()} otherwise than the station"


def _log(evening: Evening, station: DayStation) -> Iterator[str]:
    rows = evening.rows(station, "chargepoints_logupload")
    if rows[-1]["state"] != "received":
        yield f"the log is {rows[-1]['state']}"
        return
    (file,) = evening.day.cluster.folder.rglob(rows[-1]["stored_as"])
    text = file.read_bytes()
    if not text.startswith(station.identity.encode()) or len(text) != rows[-1]["size"]:
        yield "the log is not the station's"


def _wishes(evening: Evening, station: DayStation) -> Iterator[str]:
    """Only a station whose connection broke may leave a command without an answer."""
    for wish in evening.day.operator.wishes:
        if wish.station is station and not wish.is_answered and station not in evening.day.disturbed:
            yield f"{wish.command} has no answer: {wish.state}"


# -- the firmware --------------------------------------------------------------------------------------------


def _update_calls(evening: Evening, station: DayStation) -> Iterator[str]:
    """One request that the station knows. Before it, each campaign may try one that the station refuses."""
    count = len(station.calls(station.make.update))
    if count != 1:
        yield f"{station.make.update} came {count} times"
    tried = len(station.calls(*campaign.ACTIONS)) - count
    rows = _campaign_rows(evening, station)
    if tried > (len(rows) if station.make.lacks_signed else 0):
        yield f"a request that it does not know came {tried} times in {len(rows)} campaigns"


def _campaign_rows(evening: Evening, station: DayStation) -> list[dict[str, Any]]:
    rows = evening.rows(station, "chargepoints_campaignstation")
    return [row for row in rows if row["campaign_id"] in evening.campaigns]


def _campaign(evening: Evening, station: DayStation) -> Iterator[str]:
    row = _campaign_rows(evening, station)[-1]
    shown = row["state"], row["reason"]
    expected = campaign.FAILURE if station in evening.day.failing else ("done", "")
    is_lost = station in evening.day.disturbed and shown[0] == "failed" and shown[1] in campaign.LOST
    if shown != expected and not is_lost:
        yield f"the campaign shows {shown} ({row['detail']}) instead of {expected}"


def _update(evening: Evening, station: DayStation) -> Iterator[str]:
    """The update has the station's end also where its answer was lost: the boot proves it."""
    has_failed = station in evening.day.failing
    version = campaign.OLD if has_failed else campaign.NEW
    if (station.reported_version, evening.versions[station.identity]) != (version, version):
        shown = evening.versions[station.identity]
        yield f"it reports the firmware {station.reported_version}, shown is {shown}, instead of {version}"
    row = evening.rows(station, "chargepoints_firmwareupdate")[-1]
    if has_failed:
        shown, expected = (row["state"], row["status"]), ("failed", station.station.firmware_outcome)
    else:
        shown, expected = (row["state"], row["booted_version"]), ("installed", campaign.NEW)
    if shown != expected or row["finished_at"] is None or row["action"] != station.make.update:
        yield f"the update by {row['action']} is {shown} ({row['fault']}) instead of {expected}"


def _download(evening: Evening, station: DayStation) -> Iterator[str]:
    """Every station has fetched the whole file from one address, also those that could not install it."""
    firmware, file = evening.day.firmware, station.station.firmware_file
    assert firmware is not None
    if file is None or file.digest != hashlib.sha256(firmware.content).digest():
        yield f"it has downloaded {file} instead of the firmware"
    rows = evening.rows(station, "chargepoints_firmwaredownload")
    fetched = [row for row in rows if row["request_count"]]
    if len(fetched) != 1:
        yield f"it has used {len(fetched)} addresses of the firmware"
    # A web process that is killed has not noted what it sent of a file.
    elif evening.day.killed != "web" and not (
        fetched[0]["completed_at"] and fetched[0]["bytes_sent"] >= len(firmware.content)
    ):
        yield f"of the firmware, {fetched[0]['sent_parts']} was sent: {fetched[0]['bytes_sent']} bytes"


# -- sessions and readings -----------------------------------------------------------------------------------


def _sessions(evening: Evening, station: DayStation) -> Iterator[str]:
    rows = {_key(station, row): row for row in evening.rows(station, "transactions_transaction")}
    counted = {session.transaction_id: session for session in station.sessions}
    if rows.keys() != counted.keys():
        yield f"the sessions are {sorted(rows)} instead of {sorted(counted)}"
    for key in rows.keys() & counted.keys():
        row, session = rows[key], counted[key]
        shown = tuple(row[name] for name in _OF_A_SESSION)
        expected = ("ended", session.token, session.start_wh, session.stop_wh, session.energy_wh)
        if shown != expected:
            yield f"the session {key} is {shown} instead of {expected} ({row['suspect_reasons']})"
    if not any(session.remote for session in station.sessions):
        yield "no session of a remote start"


def _key(station: DayStation, row: dict[str, Any]) -> Any:
    return row["id"] if station.make.version == V16 else row["ocpp_id"]


def _readings(evening: Evening, station: DayStation) -> Iterator[str]:
    """Every confirmed reading is stored with its session, and no other one.

    A 1.6 station repeats a reading with a new message id after its answer was lost. Both rows are stored,
    and shown as one (`transactions.services.metering.stored`).
    """
    sent: set[tuple[Any, str]] = set()
    for action, payload in station.confirmed:
        if action == "MeterValues" or payload.get("eventType") == "Updated":
            number = payload.get("transactionId") or payload["transactionInfo"]["transactionId"]
            sent |= {(number, value["timestamp"]) for value in payload.get("meterValue", ())}
    keys = {row["id"]: _key(station, row) for row in evening.rows(station, "transactions_transaction")}
    stored = {
        (keys.get(one["transaction_id"]), _text(one["measured_at"]))
        for one in expanded(evening.rows(station, "transactions_reading"))
        if one["context"] == "Sample.Periodic"
    }
    if stored != sent:
        yield f"readings lost {sent - stored}, too many {stored - sent}"


def _text(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")


CHECKS = (
    *(_frames, _reservation, _profile, _list, _log, _wishes),
    *(_update_calls, _campaign, _update, _download),
    *(_sessions, _readings),
)


def summary(day: Day) -> str:
    """One line about the day."""
    sessions: list[Session] = [session for station in day.stations for session in station.sessions]
    wishes = day.operator.wishes
    repeated = sum(len(wish.requests) > 1 for wish in wishes)
    silent = [f"{wish.station.identity} {wish.command}" for wish in wishes if not wish.is_answered]
    return (
        f"{len(day.stations)} stations, {len(sessions)} sessions,"
        f" {sum(len(station.received) for station in day.stations)} commands,"
        f" {repeated} asked for again, without an answer: {silent or 'none'}"
    )
