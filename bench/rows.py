"""Fill the configured database fast with tokens, stations in a hundred sites, and transactions.

`PYTHONPATH=CHECKOUT python -P bench/rows.py [CARDS [STATIONS [TRANSACTIONS]]]`; without amounts it only
updates the statistics of the planner.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import django

PER_CALL = 20_000
SITES = 100


def fill(cards: int, stations: int = 0, transactions: int = 0) -> None:
    from django.core.management import call_command

    from accounts.models import Token
    from chargepoints.models import ChargePoint, Connector, Evse, Site

    call_command("migrate", verbosity=0, interactive=False)
    Token.objects.bulk_create(
        [Token(uid=f"CARD{n}", uid_key=f"card{n}") for n in range(cards)], batch_size=500
    )
    now = datetime.now(UTC)
    sites = [Site(name=f"Site {n}", name_key=f"site {n}") for n in range(min(SITES, stations))]
    Site.objects.bulk_create(sites)
    ChargePoint.objects.bulk_create(
        [
            ChargePoint(
                identity=f"LIST-{n:05d}",
                identity_key=f"list-{n:05d}",
                site=sites[n % SITES],
                vendor="Bench",
                model="Row",
                firmware_version="1.0",
                ocpp_version="ocpp1.6" if n % 2 else "ocpp2.0.1",
                registration_status="Accepted",
                last_seen_at=now - timedelta(seconds=n),
            )
            for n in range(stations)
        ],
        batch_size=500,
    )
    points = list(ChargePoint.objects.order_by("pk"))
    Evse.objects.bulk_create(
        [Evse(charge_point=p, number=number) for p in points for number in (1, 2)], batch_size=500
    )
    Connector.objects.bulk_create(
        [
            Connector(
                charge_point_id=e.charge_point_id, evse=e, number=e.number, status="Available", status_at=now
            )
            for e in Evse.objects.order_by("pk").iterator()
        ],
        batch_size=500,
    )
    _transactions([point.pk for point in points], transactions, now)


def _transactions(points: list[int], count: int, now: datetime) -> None:
    """Create a transaction for every ten seconds up to now; the last hundred are running."""
    from django.db import transaction as database

    from transactions.models import Counter
    from transactions.tables import TRANSACTIONS

    for first in range(0, count, PER_CALL):
        rows = []
        for number in range(first, min(first + PER_CALL, count)):
            begun = now - timedelta(seconds=10 * (count - number))
            is_running = number >= count - 100
            rows.append(
                TRANSACTIONS.row(
                    {
                        "id": 1000 + number,
                        "ocpp_id": str(1000 + number),
                        "charge_point_id": points[number % len(points)],
                        "evse_number": 1 + number % 2,
                        "connector_number": 1 + number % 2,
                        "id_token": f"CARD{number % 5000}",
                        "authorization_status": "Accepted",
                        "status": "active" if is_running else "ended",
                        "ended_by": "" if is_running else "station",
                        "stop_reason": "" if is_running else "Local",
                        "meter_start_wh": float(number),
                        "meter_last_wh": float(number + 12_000),
                        "meter_stop_wh": None if is_running else float(number + 12_000),
                        "energy_wh": 12_000.0,
                        "suspect": number % 1000 == 0,
                        "started_at": begun,
                        "stopped_at": None if is_running else begun + timedelta(hours=1),
                        "start_received_at": begun,
                        "last_message_at": now if is_running else begun + timedelta(hours=1),
                    }
                )
            )
        with database.atomic():
            TRANSACTIONS.insert(rows)
    if count:
        Counter.objects.update_or_create(name=Counter.TRANSACTION, defaults={"value": 1000 + count})


def finish() -> None:
    """Leave statistics for the planner, and on SQLite one file, which can be copied."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("ANALYZE")
    connection.close()


if __name__ == "__main__":
    django.setup()
    if amounts := [int(amount) for amount in sys.argv[1:4]]:
        fill(*amounts)
    finish()
