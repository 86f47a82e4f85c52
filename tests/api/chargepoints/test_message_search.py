"""The message log of a station, searched for a part of a payload."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Message
from chargepoints.services import message_search
from tests.api.conftest import NOON, Caller

FROM = "from=2026-05-01&to=2026-05-07"


@pytest.fixture
def path(garage: ChargePoint) -> str:
    """The list of a station with three messages; another station has one of the same text."""
    other = ChargePoint.objects.create(identity="other")
    a_message(other, "other", request='{"idTag":"CARD-1"}')
    a_message(garage, "asked", request='{"idTag":"CARD-1"}', response='{"idTagInfo":{"status":"Accepted"}}')
    a_message(garage, "earlier", request_text='{"idTag":"CARD-1"}', response_text='{"status":"Blocked"}')
    a_message(garage, "else", request='{"idTag":"CARD-2"}', response="{}")
    return f"/api/v1/chargepoints/{garage.identity.replace(' ', '%20')}/messages"


def a_message(station: ChargePoint, name: str, *, at: datetime = NOON, **texts: Any) -> Message:
    values = {"charge_point": station, "direction": "in", "action": "Authorize", "size": 1, "at": at}
    return Message.objects.create(message_id=name, **(values | texts))


def names(caller: Caller, path: str, query: str) -> list[str]:
    return [row["messageId"] for row in caller.get(f"{path}?{query}").info["messages"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CARD-1", ["earlier", "asked"]),
        ("card-1", ["earlier", "asked"]),
        ('"idTag":"CARD-', ["else", "earlier", "asked"]),
        ("accepted", ["asked"]),
        ("blocked", ["earlier"]),
        ("CARD-3", []),
    ],
)
def test_messages_are_found_by_a_part_of_either_text(
    viewer: Caller, path: str, text: str, found: list[str]
) -> None:
    assert names(viewer, path, f"{FROM}&contains={text}") == found


def test_a_search_is_one_filter_of_several(viewer: Caller, path: str, garage: ChargePoint) -> None:
    a_message(garage, "out", direction="out", request='{"idTag":"CARD-1"}')
    a_message(garage, "before", at=NOON - timedelta(days=5), request='{"idTag":"CARD-1"}')

    assert names(viewer, path, f"{FROM}&contains=card-1&direction=in") == ["earlier", "asked"]
    assert names(viewer, path, f"{FROM}&contains=card-1&ordering=time&limit=1") == ["asked"]


def test_the_pages_of_a_search_are_together_the_whole(viewer: Caller, path: str) -> None:
    first = viewer.get(f"{path}?{FROM}&contains=idTag&limit=2").info
    rest = viewer.get(f"{path}?{FROM}&contains=idTag&limit=2&cursor={first['next']}").info

    assert (first["total"], rest["next"]) == (3, None)
    assert [row["messageId"] for row in first["messages"] + rest["messages"]] == ["else", "earlier", "asked"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("contains=card", "from", "Required with `contains`."),
        ("contains=card&to=2026-05-04", "from", "Required with `contains`."),
        ("contains=card&from=2026-05-01&to=2026-05-08", "from", "7 days at most before `to`, or before now"),
        ("contains=card&from=2020-05-01", "from", "7 days at most before `to`, or before now"),
        ("contains=&from=2026-05-01&to=2026-05-02", "contains", "blank"),
        (f"contains={'x' * 101}&from=2026-05-01&to=2026-05-02", "contains", "100"),
    ],
)
def test_a_search_without_a_bound_is_refused(
    viewer: Caller, path: str, query: str, field: str, words: str
) -> None:
    answer = viewer.get(f"{path}?{query}")

    assert answer.status_code == 400
    ((error,),) = (answer.info["errors"],)
    assert error["field"] == field
    assert words in error["reason"]


def test_seven_days_are_allowed_when_the_clocks_change(viewer: Caller, path: str, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Vienna"

    assert names(viewer, path, "contains=card&from=2026-10-19&to=2026-10-25") == []


def test_a_masked_secret_is_not_found(viewer: Caller, path: str, garage: ChargePoint) -> None:
    """Rows of an earlier release may have been stored before their secrets were masked."""
    text = '{"key":"AuthorizationKey","value":"hunter2hunter2"}'
    a_message(garage, "secret", action="ChangeConfiguration", request=text)

    assert names(viewer, path, f"{FROM}&contains=AuthorizationKey") == ["secret"]
    assert names(viewer, path, f"{FROM}&contains=hunter2") == []


def test_a_search_reads_a_bounded_number_of_messages(
    viewer: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "MOST_READ", 3)
    assert names(viewer, path, f"{FROM}&contains=CARD-1") == ["earlier", "asked"]

    monkeypatch.setattr(message_search, "MOST_READ", 2)
    answer = viewer.get(f"{path}?{FROM}&contains=CARD-1")

    assert answer.status_code == 400
    assert answer.info["errors"] == [
        {"field": "contains", "reason": "The period has more than 2 messages. Choose a shorter one."}
    ]


def test_a_search_finds_a_bounded_number_of_messages(
    viewer: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "MOST_FOUND", 2)
    assert names(viewer, path, f"{FROM}&contains=CARD-1") == ["earlier", "asked"]

    answer = viewer.get(f"{path}?{FROM}&contains=CARD-")

    assert answer.status_code == 400
    assert "more than 2 messages that contain the text" in answer.info["errors"][0]["reason"]


def test_a_search_costs_one_query_more(viewer: Caller, path: str) -> None:
    def queries(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            viewer.get(f"{path}?{query}")
        return len(asked)

    queries(FROM)  # the first request of a key costs more
    assert queries(f"{FROM}&contains=card") == queries(FROM) + 1
