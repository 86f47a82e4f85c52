"""Campaigns over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Site
from chargepoints.services.campaigns.command import CommandKind
from ocpp_server.credentials import Role
from tests.api.conftest import Caller

CAMPAIGNS = "/api/v1/campaigns"
ALL = {"all": True}
RESET = {"command": "reset", "fields": {"type": "Soft"}}
BODY: dict[str, Any] = {"name": "Restart", "kind": "command", "arguments": RESET, "stations": ALL}
NEXT_YEAR = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def made(operator: Caller, garage: ChargePoint) -> str:
    """The URL of a campaign for one station."""
    return str(operator.post(CAMPAIGNS, BODY)["Location"])


def test_a_campaign_is_created_with_its_location(operator: Caller, garage: ChargePoint) -> None:
    ChargePoint.objects.create(identity="GARAGE 2")

    answer = operator.post(CAMPAIGNS, BODY | {"canary": False, "windowFrom": "22:30", "windowTo": "05:00"})

    shown = answer.info
    assert (answer.status_code, answer["Location"]) == (201, f"{CAMPAIGNS}/{shown['id']}")
    assert answer.answer["message"] == "Campaign Restart created."
    assert shown["counts"] == {
        "waiting": 2, "claimed": 0, "sent": 0, "done": 0, "failed": 0, "skipped": 0, "offline": 0
    }  # fmt: skip
    picked = ("state", "step", "sentence", "actor", "windowFrom", "windowTo", "atOnce", "startsAt")
    assert [shown[name] for name in picked] == [
        "running", "all", "Reset (type: Soft)", "key operator", "22:30", "05:00", 20, None
    ]  # fmt: skip
    deadline = datetime.fromisoformat(shown["deadlineAt"])
    assert timedelta(days=6) < deadline - datetime.now(UTC) <= timedelta(days=7)


def test_stations_are_chosen_by_their_columns(operator: Caller, garage: ChargePoint) -> None:
    site = Site.objects.create(name="Depot")
    ChargePoint.objects.create(identity="AT DEPOT", site=site, ocpp_version="ocpp2.0.1")
    choices: list[tuple[dict[str, Any], list[str]]] = [
        ({"siteId": site.pk}, ["AT DEPOT"]),
        ({"ocppVersion": "1.6"}, ["GARAGE 1"]),
        ({"firmwareVersion": "1.2.3", "vendor": "Acme", "model": "Wall 11"}, ["GARAGE 1"]),
        ({"clientIds": ["at depot", "GARAGE 1"]}, ["AT DEPOT", "GARAGE 1"]),
    ]

    for chosen, names in choices:
        one = operator.post(CAMPAIGNS, BODY | {"stations": chosen})["Location"]
        rows = operator.get(f"{one}/stations").info["stations"]
        assert [row["clientId"] for row in rows] == names, chosen


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "nothing"}, "kind"),
        ({"arguments": {"command": "unlock"}}, "arguments.command"),
        ({"kind": "logs", "arguments": {"logType": "x"}}, "arguments.logType"),
        ({"kind": "local-list", "arguments": {"full": 1}}, "arguments.full"),
        (
            {"kind": "charging-profile", "arguments": {"chargingProfilePurpose": "TxDefaultProfile"}},
            "arguments.chargingSchedulePeriod",
        ),
        ({"arguments": {"command": "reset", "fields": {"type": "x"}}}, "arguments.fields.type"),
        ({"stations": {}}, "stations"),
        ({"stations": {"clientIds": ["NOBODY"]}}, "stations.clientIds"),
        ({"stations": {"siteId": 999}}, "stations.siteId"),
        ({"stations": {"colour": "red"}}, "stations.colour"),
        ({"atOnce": 0}, "atOnce"),
        ({"perMinute": 0}, "perMinute"),
        ({"attempts": 11}, "attempts"),
        ({"failureLimitPercent": 101}, "failureLimitPercent"),
        ({"offline": "maybe"}, "offline"),
        ({"windowFrom": "25:00", "windowTo": "05:00"}, "windowFrom"),
        ({"windowFrom": "22:00"}, "windowFrom"),
        ({"deadlineAt": "2020-01-01T00:00:00Z"}, "deadlineAt"),
        ({"more": 1}, "more"),
    ],
)
def test_a_bad_field_is_400(
    operator: Caller, garage: ChargePoint, change: dict[str, Any], field: str
) -> None:
    answer = operator.post(CAMPAIGNS, BODY | change)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.info["errors"]] == [field]
    assert not Campaign.objects.exists()


def test_viewers_read_and_operators_write(viewer: Caller, operator: Caller, made: str) -> None:
    assert viewer.get(made).info["name"] == "Restart"
    assert viewer.get(f"{made}/stations").info["count"] == 1
    assert viewer.post(CAMPAIGNS, BODY).status_code == 403
    for action in ("pause", "resume", "cancel", "retry-failed"):
        assert viewer.post(f"{made}/{action}").status_code == 403
    assert viewer.patch(made, {"name": "Mine"}).status_code == 403
    assert viewer.delete(made).status_code == 403


def test_a_command_needs_its_own_role_too(
    operator: Caller, administrator: Caller, garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CommandKind, "role", lambda *_: Role.ADMINISTRATOR)

    refused = operator.post(CAMPAIGNS, BODY)
    assert (refused.status_code, refused.info["code"]) == (403, "permission-denied")
    assert administrator.post(CAMPAIGNS, BODY).status_code == 201


def test_a_campaign_is_paused_resumed_and_cancelled(operator: Caller, made: str) -> None:
    paused = operator.post(f"{made}/pause")
    assert (paused.info["state"], paused.info["pauseReason"]) == ("paused", "Paused by key operator.")
    assert operator.post(f"{made}/pause").status_code == 409
    resumed = operator.post(f"{made}/resume")
    assert (resumed.info["state"], resumed.info["pauseReason"]) == ("running", "")
    cancelled = operator.post(f"{made}/cancel")

    assert cancelled.answer["message"] == "Campaign Restart cancelled."
    assert (cancelled.info["state"], cancelled.info["counts"]["skipped"]) == ("cancelled", 1)
    assert cancelled.info["finishedAt"] is not None
    assert operator.post(f"{made}/retry-failed").status_code == 409


def test_failed_stations_try_again_with_a_new_deadline(operator: Caller, made: str) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    CampaignStation.objects.update(state="failed", reason="no-answer", attempts=1)
    Campaign.objects.update(state="finished", finished_at=past, deadline_at=past)

    assert operator.post(f"{made}/retry-failed").status_code == 400
    again = operator.post(f"{made}/retry-failed", {"deadlineAt": NEXT_YEAR})

    assert (again.info["state"], again.info["deadlineAt"]) == ("running", NEXT_YEAR)
    assert again.info["counts"]["waiting"] == 1


def test_a_campaign_is_changed_while_it_runs(operator: Caller, made: str) -> None:
    changes = {
        "name": "At night", "atOnce": 5, "perMinute": 30, "failureLimitPercent": 0, "windowFrom": "22:00",
        "windowTo": "05:00", "deadlineAt": NEXT_YEAR,
    }  # fmt: skip

    answer = operator.patch(made, changes)

    assert (answer.status_code, answer.answer["message"]) == (200, "Campaign At night changed.")
    assert {name: answer.info[name] for name in changes} == changes
    assert operator.patch(made, {"windowTo": None}).info["errors"][0]["field"] == "windowFrom"
    assert operator.patch(made, {"canary": False}).info["errors"][0]["field"] == "canary"
    operator.post(f"{made}/cancel")
    assert operator.patch(made, {"atOnce": 1}).status_code == 409
    assert operator.patch(made, {"name": "Over"}).info["name"] == "Over"


def test_a_campaign_is_deleted_once_it_has_ended(operator: Caller, made: str) -> None:
    assert operator.delete(made).status_code == 409
    operator.post(f"{made}/cancel")

    answer = operator.delete(made)

    assert (answer.status_code, answer.answer["message"]) == (200, "Campaign Restart deleted.")
    assert answer.info["counts"]["skipped"] == 1
    assert operator.get(made).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Second", "First"]),
        ("state=paused", ["First"]),
        ("kind=command&search=SEC", ["Second"]),
        ("kind=firmware", []),
        ("ordering=createdAt", ["First", "Second"]),
        ("updated_to=2020-01-01T00:00:00Z", []),
    ],
)
def test_the_list_is_filtered(operator: Caller, garage: ChargePoint, query: str, found: list[str]) -> None:
    first = operator.post(CAMPAIGNS, BODY | {"name": "First"})["Location"]
    operator.post(CAMPAIGNS, BODY | {"name": "Second"})
    operator.post(f"{first}/pause")

    assert [row["name"] for row in operator.get(f"{CAMPAIGNS}?{query}").info["campaigns"]] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["GARAGE 1", "GARAGE 2"]),
        ("state=failed", ["GARAGE 1"]),
        ("reason=no-answer", ["GARAGE 1"]),
        ("search=ge%202", ["GARAGE 2"]),
        ("state=done", []),
    ],
)
def test_the_stations_are_filtered(
    viewer: Caller, operator: Caller, garage: ChargePoint, query: str, found: list[str]
) -> None:
    ChargePoint.objects.create(identity="GARAGE 2")
    made = operator.post(CAMPAIGNS, BODY)["Location"]
    CampaignStation.objects.filter(charge_point=garage).update(state="failed", reason="no-answer")

    rows = viewer.get(f"{made}/stations?{query}").info["stations"]

    assert [row["clientId"] for row in rows] == found


def test_an_unknown_campaign_is_404(viewer: Caller) -> None:
    assert viewer.get(f"{CAMPAIGNS}/999").status_code == 404
    assert viewer.get(f"{CAMPAIGNS}/999/stations").status_code == 404
    assert viewer.get(f"{CAMPAIGNS}/first").status_code == 400


def test_a_secret_is_masked(operator: Caller, garage: ChargePoint) -> None:
    arguments = {
        "command": "change-configuration",
        "fields": {"key": "WifiPassword", "value": "hunter2"},
    }
    answer = operator.post(CAMPAIGNS, BODY | {"arguments": arguments})

    assert "hunter2" not in answer.content.decode()
    assert answer.info["arguments"]["fields"]["value"] == "***"
