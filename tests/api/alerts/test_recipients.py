"""Recipients of alert notices over REST, and the log of their notices."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from alerts.models import Alert, AlertRecipient, Notification
from chargepoints.models import Site
from tests.api.conftest import NOON, Caller

RECIPIENTS, NOTICES = "/api/v1/alert-recipients", "/api/v1/alert-notices"
NIGHTS = [{"days": "mon-fri", "from": "22:00", "to": "06:30"}]


@pytest.fixture
def ann(db: None) -> AlertRecipient:
    return AlertRecipient.objects.create(name="Ann", address="ann@example.com")


def test_a_recipient_is_created_with_its_location_changed_and_deleted(administrator: Caller) -> None:
    depot, yard = Site.objects.create(name="Depot"), Site.objects.create(name="Yard")
    User.objects.create(username="ann", email="ann@example.com", is_staff=True)
    body = {
        "name": " Ann ",
        "operator": "ann",
        "minSeverity": "info",
        "siteIds": [yard.pk, depot.pk],
        "codes": ["offline"],
        "timezone": "Europe/Vienna",
        "quietHours": NIGHTS,
        "digest": "hourly",
    }
    made = administrator.post(RECIPIENTS, body)

    path = made["Location"]
    assert (made.status_code, path) == (201, f"{RECIPIENTS}/{made.info['id']}")
    assert {name: made.info[name] for name in body} == {
        **body,
        "name": "Ann",
        "siteIds": sorted([depot.pk, yard.pk]),
    }
    assert (made.info["address"], made.info["enabled"], made.info["channel"]) == ("", True, "email")
    changed = administrator.patch(path, {"siteIds": [], "operator": None, "address": "a@example.com"})
    assert (changed.info["siteIds"], changed.info["operator"]) == ([], None)
    assert changed.info["quietHours"] == NIGHTS
    assert administrator.delete(path).status_code == 200
    assert administrator.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "B"}, "address"),
        ({"name": "B", "address": "nowhere"}, "address"),
        ({"name": "B", "operator": "driver"}, "operator"),
        ({"name": "B", "address": "b@example.com", "siteIds": [10**6]}, "siteIds"),
        ({"name": "B", "address": "b@example.com", "codes": ["No code"]}, "codes"),
        ({"name": "B", "address": "b@example.com", "timezone": "../../etc/passwd"}, "timezone"),
        ({"name": "B", "address": "b@example.com", "quietHours": "night"}, "quietHours"),
        ({"name": "B", "address": "b@example.com", "digest": "weekly"}, "digest"),
        ({"name": "B", "address": "b@example.com", "email": "b@example.com"}, "email"),
    ],
)
def test_a_bad_field_is_400_with_its_name(administrator: Caller, body: dict[str, Any], field: str) -> None:
    User.objects.create(username="driver", email="d@example.com")
    response = administrator.post(RECIPIENTS, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]
    assert not AlertRecipient.objects.exists()


def test_a_name_exists_once_whatever_its_case(administrator: Caller, ann: AlertRecipient) -> None:
    response = administrator.post(RECIPIENTS, {"name": "ANN", "address": "b@example.com"})

    assert (response.status_code, response.info["code"]) == (409, "duplicate")


def test_only_administrators_write(viewer: Caller, operator: Caller, ann: AlertRecipient) -> None:
    path = f"{RECIPIENTS}/{ann.pk}"

    assert viewer.get(path).info["name"] == "Ann"
    assert operator.post(RECIPIENTS, {"name": "B", "address": "b@example.com"}).status_code == 403
    assert operator.patch(path, {"enabled": False}).status_code == 403
    assert operator.post(f"{path}/test").status_code == 403
    assert operator.delete(path).status_code == 403


def test_a_change_of_an_old_state_is_refused(administrator: Caller, ann: AlertRecipient) -> None:
    path = f"{RECIPIENTS}/{ann.pk}"
    etag = administrator.get(path)["ETag"]
    administrator.patch(path, {"digest": "daily"}, If_Match=etag)

    assert administrator.patch(path, {"digest": "off"}, If_Match=etag).status_code == 412


def test_a_test_is_queued_and_shown_in_the_log(
    administrator: Caller, ann: AlertRecipient, settings: Any
) -> None:
    settings.EMAIL_URL = {"host": "mail.example.com"}
    response = administrator.post(f"{RECIPIENTS}/{ann.pk}/test")

    assert response.answer["message"] == "Test for Ann queued."
    (notice,) = administrator.get(f"{NOTICES}?recipientId={ann.pk}&kind=test").info["alertNotices"]
    assert (notice["state"], notice["alertId"], notice["recipient"]) == ("queued", None, "Ann")
    assert administrator.get(f"{NOTICES}/{notice['id']}").info == notice


def test_a_test_that_can_not_be_sent_is_refused_with_the_reason(
    administrator: Caller, ann: AlertRecipient, settings: Any
) -> None:
    path = f"{RECIPIENTS}/{ann.pk}/test"
    assert "EMAIL_URL is not set" in administrator.post(path).answer["message"]
    settings.EMAIL_URL = {"host": "mail.example.com"}
    AlertRecipient.objects.update(is_enabled=False)
    assert "disabled" in administrator.post(path).answer["message"]
    user = User.objects.create(username="ann", email="ann@example.com", is_active=False)
    AlertRecipient.objects.update(is_enabled=True, user=user, address="")

    refused = administrator.post(path)

    assert refused.status_code == 409
    assert "no address" in refused.answer["message"]
    assert not Notification.objects.exists()


def test_the_log_is_filtered_by_alert_state_and_time(viewer: Caller, ann: AlertRecipient) -> None:
    alerts = [
        Alert.objects.create(
            code="offline", key=key, severity="info", title=key, opened_at=NOON, last_seen_at=NOON
        )
        for key in ("1", "2")
    ]
    rows = [
        Notification.objects.create(alert=alert, recipient=ann, channel="email", kind="opened", state=state)
        for alert, state in zip(alerts, ("sent", "suppressed"), strict=True)
    ]
    Notification.objects.filter(pk=rows[0].pk).update(created_at=NOON)

    def found(query: str) -> list[int]:
        return [notice["id"] for notice in viewer.get(f"{NOTICES}?{query}").info["alertNotices"]]

    assert found("") == [rows[1].pk, rows[0].pk]
    assert found(f"alertId={alerts[0].pk}") == [rows[0].pk]
    assert found("state=suppressed") == [rows[1].pk]
    assert found("to=2026-05-05") == [rows[0].pk]


def test_the_list_is_filtered_and_searched(viewer: Caller, ann: AlertRecipient) -> None:
    AlertRecipient.objects.create(name="Bob", address="bob@example.org", is_enabled=False)

    def found(query: str) -> list[str]:
        response = viewer.get(f"{RECIPIENTS}?{query}")
        assert response.status_code == 200, response.info
        return [one["name"] for one in response.info["alertRecipients"]]

    assert found("") == ["Ann", "Bob"]
    assert found("enabled=false") == ["Bob"]
    assert found("search=example.com") == ["Ann"]
    assert found("channel=email&ordering=-name") == ["Bob", "Ann"]
