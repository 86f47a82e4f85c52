"""Notes about a station over REST."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint, Note
from chargepoints.models.note import MOST_CHARACTERS
from tests.api.conftest import Caller

NOTES = "/api/v1/chargepoints/GARAGE%201/notes"


@pytest.fixture
def note(garage: ChargePoint) -> Note:
    return Note.objects.create(charge_point=garage, text="The lock sticks.", author="anna")


def test_a_note_is_created_with_its_location_changed_and_deleted(
    operator: Caller, garage: ChargePoint
) -> None:
    made = operator.post(NOTES, {"text": " Ask at the desk for the key. "})

    path = made["Location"]
    assert (made.status_code, path) == (201, f"{NOTES}/{made.info['id']}")
    assert (made.info["text"], made.info["author"]) == ("Ask at the desk for the key.", "key operator")
    changed = operator.patch(path, {"text": "The key is in the box."})
    assert changed.info["author"] == "key operator"
    assert changed.info["updatedAt"] > made.info["updatedAt"]
    assert operator.delete(path).status_code == 200
    assert operator.get(path).status_code == 404


def test_a_change_of_an_old_state_is_refused(operator: Caller, note: Note) -> None:
    path = f"{NOTES}/{note.pk}"
    etag = operator.get(path)["ETag"]
    operator.patch(path, {"text": "Fixed."}, If_Match=etag)

    assert operator.patch(path, {"text": "Sticks again."}, If_Match=etag).status_code == 412
    assert operator.delete(path, If_Match=etag).status_code == 412


def test_viewers_read_only(viewer: Caller, note: Note) -> None:
    path = f"{NOTES}/{note.pk}"

    assert viewer.get(path).info["text"] == "The lock sticks."
    assert viewer.post(NOTES, {"text": "x"}).status_code == 403
    assert viewer.patch(path, {"text": "x"}).status_code == 403
    assert viewer.delete(path).status_code == 403


@pytest.mark.parametrize("text", ["", " \n", "x" * (MOST_CHARACTERS + 1), None, 7])
def test_a_bad_text_is_400_with_its_field(operator: Caller, garage: ChargePoint, text: object) -> None:
    response = operator.post(NOTES, {"text": text})

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == ["text"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Fixed.", "The lock sticks."]),
        ("search=LOCK", ["The lock sticks."]),
        ("author=ben", ["Fixed."]),
        ("ordering=createdAt", ["The lock sticks.", "Fixed."]),
        ("updated_from=2020-01-01T00:00:00Z&limit=1", ["Fixed."]),
        ("updated_to=2020-01-01T00:00:00Z", []),
    ],
)
def test_the_list_is_filtered_and_ordered(viewer: Caller, note: Note, query: str, found: list[str]) -> None:
    Note.objects.create(charge_point=note.charge_point, text="Fixed.", author="ben")
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    Note.objects.create(charge_point=elsewhere, text="The lock is new.", author="ben")

    assert [row["text"] for row in viewer.get(f"{NOTES}?{query}").info["notes"]] == found


def test_a_note_is_found_at_its_own_station_alone(operator: Caller, note: Note) -> None:
    ChargePoint.objects.create(identity="ELSEWHERE")

    assert operator.delete(f"/api/v1/chargepoints/ELSEWHERE/notes/{note.pk}").status_code == 404
    assert operator.post("/api/v1/chargepoints/NOBODY/notes", {"text": "x"}).status_code == 404


def test_the_database_refuses_an_empty_note(garage: ChargePoint) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Note.objects.create(charge_point=garage, text="", author="anna")
