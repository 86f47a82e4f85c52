"""Notes about stations in the admin."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint, Note

ADD = "admin:chargepoints_note_add"


def test_an_operator_writes_a_note_and_the_station_page_shows_it(
    operator: Client, station: ChargePoint
) -> None:
    page = operator.get(reverse("admin:station", args=[station.pk])).content.decode()
    form = f"{reverse(ADD)}?charge_point={station.pk}"
    assert form in page

    answer = operator.post(form, {"charge_point": station.pk, "text": "The lock sticks."})

    assert answer.status_code == 302
    shown = operator.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["notes"]
    assert [cell["text"] for cell in shown[0][:2]] == ["The lock sticks.", "operator"]
    assert operator.get(shown[0][0]["href"]).status_code == 200


def test_the_author_of_a_note_stays(operator: Client, administrator: Client, station: ChargePoint) -> None:
    note = Note.objects.create(charge_point=station, text="The lock sticks.", author="operator")

    administrator.post(reverse("admin:chargepoints_note_change", args=[note.pk]), {"text": "Fixed."})

    note.refresh_from_db()
    assert (note.text, note.author) == ("Fixed.", "operator")


@pytest.mark.parametrize("view", ["add", "change", "delete"])
def test_a_viewer_reads_only(viewer: Client, station: ChargePoint, view: str) -> None:
    note = Note.objects.create(charge_point=station, text="The lock sticks.", author="operator")
    arguments = [] if view == "add" else [note.pk]

    answer = viewer.post(reverse(f"admin:chargepoints_note_{view}", args=arguments), {"text": "x"})

    assert answer.status_code == 403
    assert Note.objects.get().text == "The lock sticks."
