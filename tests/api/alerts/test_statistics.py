"""The statistics of alerts over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chargepoints.models import ChargePoint, Site
from tests.api.alerts.test_alerts import ALERTS, an_alert
from tests.api.conftest import NOON, Caller

PATH = f"{ALERTS}/statistics"


def test_the_alerts_of_a_month(viewer: Caller, garage: ChargePoint) -> None:
    resolved = {"state": "resolved", "resolved_at": NOON + timedelta(minutes=10)}
    an_alert(garage, first_acknowledged_at=NOON + timedelta(seconds=90), **resolved)
    an_alert(garage, key="offline:other")

    answer = viewer.get(PATH)

    assert answer.answer["message"] == "1 row of statistics."
    assert answer.info == {
        "statistics": [
            {
                "month": "2026-05",
                "code": "offline",
                "opened": 2,
                "reopened": 0,
                "acknowledged": 1,
                "meanTimeToAcknowledgeS": 90.0,
                "resolved": 1,
                "meanTimeToResolveS": 600.0,
            }
        ],
        "count": 1,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"offline", "faulted"}),
        ("code=faulted", {"faulted"}),
        ("siteId={site}", {"faulted"}),
        ("from=2026-05-05", {"faulted"}),
        ("to=2026-05-04", {"offline"}),
    ],
)
def test_filters(viewer: Caller, garage: ChargePoint, query: str, found: set[str]) -> None:
    site = Site.objects.create(name="Depot")
    an_alert(garage)
    an_alert(garage, key="b", code="faulted", site=site, opened_at=NOON + timedelta(days=1))

    rows = viewer.get(f"{PATH}?{query.format(site=site.pk)}").info["statistics"]

    assert {row["code"] for row in rows} == found


@pytest.mark.parametrize("query", ["code=bad", "siteId=0", "from=x", "limit=5"])
def test_wrong_filters(viewer: Caller, query: str) -> None:
    answer = viewer.get(f"{PATH}?{query}")

    assert answer.status_code == 400
