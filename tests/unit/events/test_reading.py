"""Pages of numbered events: gaps, ends and the window; what expires; and what is erased of a person."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from events.models import Event, Stream
from events.services import deletions, erasing, reading, retention
from events.services.reading import last_position, read
from ocpp_server.storage.journal import journal

pytestmark = pytest.mark.django_db

_uids = itertools.count()


def event(position: int | None, kind: str = "station.online", **more: Any) -> Event:
    values = {"uid": f"e{next(_uids)}", "type": kind, "version": 1, "data": "{}", "at": datetime.now(UTC)}
    return Event.objects.create(position=position, **values | more)


@pytest.fixture
def stream() -> None:
    """Events 3 to 7; 1 and 2 have been deleted, and one has no number yet."""
    for position in range(3, 8):
        event(position, "station.online" if position % 2 else "station.offline")
    event(None)
    Stream.objects.update_or_create(pk=Stream.ALL, defaults={"position": 7})


def page(after: int | None, limit: int = 10, **conditions: Any) -> tuple[list[int | None], int, bool, bool]:
    found = read(after, limit=limit, conditions=conditions)
    return [one.position for one in found.events], found.next, found.gap, found.more


@pytest.mark.parametrize(
    ("after", "positions", "following", "gap"),
    [
        (None, [3, 4, 5, 6, 7], 7, False),
        (2, [3, 4, 5, 6, 7], 7, False),
        (1, [3, 4, 5, 6, 7], 7, True),
        (0, [3, 4, 5, 6, 7], 7, True),
        (5, [6, 7], 7, False),
        (6, [7], 7, False),
        (7, [], 7, False),
        # A position that this stream has not reached.
        (8, [], 7, True),
    ],
)
def test_a_page_begins_after_a_position(
    stream: None, after: int | None, positions: list[int], following: int, gap: bool
) -> None:
    assert page(after) == (positions, following, gap, False)


@pytest.mark.parametrize(
    ("after", "limit", "result"),
    [
        (2, 1, ([3], 3, False, True)),
        (2, 4, ([3, 4, 5, 6], 6, False, True)),
        (2, 5, ([3, 4, 5, 6, 7], 7, False, False)),
    ],
)
def test_a_full_page_ends_with_its_last_event(stream: None, after: int, limit: int, result: Any) -> None:
    assert page(after, limit) == result


def test_a_filter_passes_the_events_that_do_not_match(stream: None) -> None:
    assert page(2, type="station.offline") == ([4, 6], 7, False, False)
    assert page(2, 1, type="station.offline") == ([4], 4, False, True)


def test_a_page_passes_at_most_a_window(stream: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WINDOW", 2)

    assert page(None) == page(2) == ([3, 4], 4, False, True)
    assert page(0) == page(1) == ([3, 4], 4, True, True)  # deleted events are no part of the window
    assert page(5) == ([6, 7], 7, False, False)


def test_a_stream_without_events_is_at_its_end() -> None:
    assert (last_position(), page(None)) == (0, ([], 0, False, False))

    Stream.objects.update_or_create(pk=Stream.ALL, defaults={"position": 9})

    assert (last_position(), page(None), page(9)) == (9, ([], 9, False, False), ([], 9, False, False))
    assert page(8) == ([], 9, True, False)


def test_only_old_numbered_events_expire(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return now

    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    monkeypatch.setattr(retention, "datetime", Noon)
    settings.EVENT_RETENTION = 3600
    event(1, at=now - timedelta(seconds=3601))
    kept = [event(2, at=now - timedelta(seconds=3600)), event(None, at=now - timedelta(days=9))]

    assert retention.delete_some() is False

    assert list(Event.objects.order_by("pk")) == kept
    assert retention.delete_some() is False


def test_expired_events_are_deleted_some_at_a_time(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EVENT_RETENTION = 3600
    monkeypatch.setattr(retention, "DELETE_AT_ONCE", 2)
    for position in range(1, 4):
        event(position, at=datetime.now(UTC) - timedelta(days=1))

    more = [retention.delete_some(), retention.delete_some()]

    assert (more, Event.objects.exists()) == ([True, False], False)


async def test_stations_can_write_between_two_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Any] = []

    async def run(function: Any) -> bool:
        steps.append(function)
        return len(steps) < 4

    async def sleep(seconds: float) -> None:
        steps.append(seconds)

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(retention, "asyncio", SimpleNamespace(sleep=sleep))
    await retention.delete_old()

    events = [retention.delete_some, 0.05, retention.delete_some, 0.05, retention.delete_some]
    assert steps == [*events, deletions.delete_some]


# -- erasing -----------------------------------------------------------------------------------------------


def personal(data: dict[str, Any], *, is_personal: bool = True) -> Event:
    return event(None, data=orjson.dumps(data).decode(), is_personal=is_personal)


def content(one: Event) -> dict[str, Any]:
    one.refresh_from_db()
    found: dict[str, Any] = orjson.loads(one.data)
    return found


@pytest.mark.parametrize("name", ["tokenId", "token_id"])
@pytest.mark.parametrize("more", [{}, {"a": 1}])
def test_the_characters_of_a_token_are_erased(name: str, more: dict[str, Any]) -> None:
    one = personal({"idTag": "ALI…", "uid": "ALI…", name: 5} | more)

    assert erasing.erase(user=9, tokens=[4, 5]) == 1

    assert content(one) == {"idTag": erasing.MASKED, "uid": erasing.MASKED, name: 5} | more


def test_the_number_of_a_user_is_erased() -> None:
    one = personal({"user_id": 9, "uid": "", "a": 1})

    assert erasing.erase(user=9, tokens=[]) == 1

    assert content(one) == {"user_id": None, "uid": "", "a": 1}


def test_the_events_of_other_persons_stay() -> None:
    rows = [
        personal({"tokenId": 55, "uid": "BOB…"}),
        personal({"user_id": 91, "uid": "BOB…"}),
        personal({"number": 5, "uid": "BOB…"}),
        personal({"tokenId": 5, "uid": "BOB…"}, is_personal=False),
    ]
    before = [content(one) for one in rows]

    assert erasing.erase(user=9, tokens=[5]) == 0

    assert [content(one) for one in rows] == before


def test_the_user_of_another_person_stays_in_an_event_about_the_token() -> None:
    one = personal({"tokenId": 5, "user_id": 8})

    erasing.erase(user=9, tokens=[5])

    assert content(one)["user_id"] == 8


def test_many_tokens_are_erased_in_several_queries() -> None:
    rows = [personal({"tokenId": number, "uid": "ALI…"}) for number in range(1, 61)]

    assert erasing.erase(user=999, tokens=range(1, 61)) == 60

    assert {content(one)["uid"] for one in rows} == {erasing.MASKED}
