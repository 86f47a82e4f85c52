"""Time the conditions of alerts, and the lists of changed rows, in a large fleet that this script writes.

`PYTHONPATH=CHECKOUT python -P bench/alert_rules.py STATIONS`: the database is empty. Prints milliseconds as
JSON. One station in a hundred has each trouble, so most stations are as they should be.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django

TIMES = 5
PER_CALL = 2_000
# One station in so many has a trouble.
TROUBLE = 100
# Charging profiles that each station with a trouble has accepted since one without an answer.
PROFILES = 30
# Sessions for each station. All but a fifth of the stations have ended theirs.
SESSIONS = 4


def fill(stations: int) -> None:
    """Write the stations and what the conditions ask for."""
    from django.db import connection
    from django.db.models import F

    from bench import rows
    from chargepoints.models import ChargePoint, Command, Connector
    from configuration.models import DesiredValue, LocalList
    from smart_charging.models import InstalledProfile
    from transactions.models import Transaction

    rows.fill(0, stations, stations * SESSIONS)
    now = datetime.now(UTC)
    points = list(ChargePoint.objects.order_by("pk").values_list("pk", flat=True))
    sick = points[::TROUBLE]
    ChargePoint.objects.update(
        is_online=True,
        last_seen_at=now,
        connected_at=now - timedelta(days=3),
    )
    ChargePoint.objects.filter(pk__in=sick).update(is_online=False, disconnected_at=now - timedelta(hours=1))
    faulty = points[1::TROUBLE]
    Connector.objects.filter(charge_point__in=faulty, number=1).update(status="Faulted")
    Connector.objects.filter(charge_point__in=faulty, number=2).update(status="Unavailable")
    active = Transaction.objects.filter(
        pk__in=Transaction.objects.order_by("-pk").values("pk")[: stations // 5]
    )
    active.update(status="active", stopped_at=None, started_at=now - timedelta(hours=2), energy_wh=9000)
    # Sessions that have ended long ago have not changed lately.
    Transaction.objects.filter(status="ended").update(updated_at=F("stopped_at"))
    long_ago = {"created_at": now - timedelta(days=9), "updated_at": now - timedelta(days=9)}
    bad = set(points[2::TROUBLE])
    written(
        DesiredValue,
        (
            DesiredValue(
                charge_point_id=pk,
                key=f"Key{n}",
                value="1",
                state="differs" if pk in bad and n < 2 else "same",
            )
            for pk in points
            for n in range(5)
        ),
    )
    DesiredValue.objects.filter(state="same").update(**long_ago)
    written(
        LocalList,
        (
            LocalList(
                charge_point_id=pk, state="failed" if pk in bad else "in_sync", version=3, synced_at=now
            )
            for pk in points
        ),
    )
    written(
        InstalledProfile,
        (
            InstalledProfile(
                charge_point_id=pk,
                profile_id=n,
                evse_number=0,
                purpose="TxDefaultProfile",
                stack_level=n,
                kind="Absolute",
                payload={},
                state="unverified" if pk in bad and not n else "installed",
                installed_at=now,
            )
            for pk in points
            for n in range(2)
        ),
    )
    written(
        Command,
        (
            Command(
                id=f"{pk}-{n}",
                charge_point_id=pk,
                action="SetChargingProfile" if n == 1 else "GetConfiguration",
                payload={"csChargingProfiles": {"chargingProfileId": 1}} if n == 1 else {},
                state="timeout" if pk in bad else "accepted",
                created_at=now - timedelta(minutes=9 * n),
                deadline_at=now - timedelta(minutes=9 * n) + timedelta(seconds=30),
                finished_at=now,
            )
            for pk in points
            for n in range(6)
        ),
    )
    # A load management sends profiles all the time, so each timeout stands among accepted ones.
    written(
        Command,
        (
            Command(
                id=f"{pk}-p{n}",
                charge_point_id=pk,
                action="SetChargingProfile",
                payload={"csChargingProfiles": {"chargingProfileId": 2}},
                state="accepted",
                created_at=now - timedelta(seconds=10 * n),
                deadline_at=now - timedelta(seconds=10 * n) + timedelta(seconds=30),
                finished_at=now,
            )
            for pk in bad
            for n in range(PROFILES)
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def written(model: Any, made: Iterable[Any]) -> None:
    """Store the rows, some at a time."""
    for part in _parts(made):
        model.objects.bulk_create(part)


def _parts(made: Iterable[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for one in made:
        part.append(one)
        if len(part) == PER_CALL:
            yield part
            part = []
    yield part


def conditions() -> dict[str, Any]:
    """The time and the findings of each condition, and the time of a whole look."""
    from django.conf import settings

    from alerts.models import Alert
    from alerts.services import evaluating, rulebook
    from alerts.services.conditions import CONDITIONS
    from alerts.services.look import Look, Memory

    found: dict[str, Any] = {}
    for name, condition in CONDITIONS.items():
        memory = Memory(began=0.0)

        def once(condition: Any = condition, memory: Any = memory) -> int:
            look = Look(datetime.now(UTC), time.monotonic(), rulebook.load(), memory, {})
            return len(condition(look).findings)

        found[name] = timed(once)
    settings.ALERT_WARMUP = 0
    evaluator, now, monotonic = evaluating.Evaluator(), datetime.now(UTC), time.monotonic()
    evaluator.evaluate(now=now, monotonic=monotonic)
    began = time.perf_counter()
    # Everything is ripe now: the look that opens all alerts.
    evaluator.evaluate(now=now + timedelta(hours=1), monotonic=monotonic + 3600)
    opening = (time.perf_counter() - began) * 1000
    found["the look that opens them"] = one(opening, Alert.objects.count())
    began = time.perf_counter()
    evaluator.evaluate(now=now + timedelta(hours=1, seconds=60), monotonic=monotonic + 3660)
    found["the look after it"] = one((time.perf_counter() - began) * 1000, Alert.objects.count())
    return found


def lists() -> dict[str, Any]:
    """The time of page one of each list with `updated_from`, of the last hour."""
    from django.test import Client
    from drf_spectacular.generators import SchemaGenerator

    from accounts.services import api_keys

    since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found: dict[str, Any] = {}
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    with api_keys.temporary(name="bench", role="administrator", life=timedelta(hours=1)) as key:
        client = Client(headers={"Authorization": f"Api-Key {key}"}, SERVER_NAME="localhost")
        for path, operations in paths.items():
            names = {each["name"] for each in operations.get("get", {}).get("parameters", [])}
            if "updated_from" not in names or "{" in path or path.endswith("/export"):
                continue

            def once(path: str = path) -> int:
                answer = client.get(f"{path}?updated_from={since}&limit=200")
                assert answer.status_code == 200, answer.content
                total: int = answer.json()["data"]["total"]
                return total

            found[path] = timed(once)
    return found


def one(taken: float, rows: int) -> dict[str, Any]:
    """The figures of a single call."""
    return {"ms": round(taken, 1), "slowest_ms": round(taken, 1), "rows": rows}


def timed(once: Callable[[], int]) -> dict[str, Any]:
    """The median and the slowest of some calls, and what the last one returned."""
    taken, rows = [], 0
    for _ in range(TIMES):
        began = time.perf_counter()
        rows = once()
        taken.append((time.perf_counter() - began) * 1000)
    return {"ms": round(statistics.median(taken), 1), "slowest_ms": round(max(taken), 1), "rows": rows}


if __name__ == "__main__":
    django.setup()
    if len(sys.argv) > 1:
        fill(int(sys.argv[1]))
    print(json.dumps({"conditions": conditions(), "lists": lists()}))
