"""Failed logins are in the security log, beside the events of stations."""

from __future__ import annotations

import pytest
from django.test import Client

from chargepoints.models import SecurityEvent
from chargepoints.services.security import MAX_LOGINS_PER_HOUR

pytestmark = pytest.mark.django_db


def test_failed_logins_are_logged_a_few_times_for_one_address_and_the_password_never():
    browser = Client(REMOTE_ADDR="198.51.100.23")

    for number in range(MAX_LOGINS_PER_HOUR + 3):
        browser.post("/admin/login/", {"username": f"eve{number}", "password": "hunter2-hunter2"})

    events = SecurityEvent.objects.order_by("pk")
    assert [event.type for event in events] == ["FailedOperatorLogin"] * MAX_LOGINS_PER_HOUR
    assert events[0].tech_info == "A login as 'eve0' failed. From 198.51.100.23."
    assert not events.filter(tech_info__contains="hunter2").exists()
    assert not events.filter(charge_point__isnull=False).exists()


def test_events_without_a_station_are_shown(viewer):
    SecurityEvent.objects.all().delete()
    Client(REMOTE_ADDR="198.51.100.24").post("/admin/login/", {"username": "mallory", "password": "x"})
    event = SecurityEvent.objects.get()

    page = viewer.get("/admin/chargepoints/securityevent/")
    detail = viewer.get(f"/admin/chargepoints/securityevent/{event.pk}/change/")

    assert "FailedOperatorLogin" in page.content.decode()
    assert "mallory" in detail.content.decode()
