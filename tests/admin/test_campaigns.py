"""Campaigns in the admin: the form for selected stations, the page with its progress, and its buttons."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import Campaign, ChargePoint, Command
from chargepoints.services.campaigns import planning
from operations import campaign as campaign_page
from tests.admin.rows import a_station

COURSE = {
    "campaign-name": "Restart",
    "campaign-has_canary": "on",
    "campaign-failure_limit_percent": "10",
    "campaign-at_once": "5",
    "campaign-per_minute": "30",
    "campaign-attempts": "2",
    "campaign-retry_pause_m": "10",
    "campaign-offline": "skip",
    "campaign-window_from": "22:00",
    "campaign-window_to": "05:00",
}
DANGER = "2 stations: Running sessions at this station will end."


@pytest.fixture
def stations(db: None) -> list[ChargePoint]:
    return [a_station(f"CP-{number}") for number in (1, 2)]


@pytest.fixture
def campaign(stations: list[ChargePoint]) -> Campaign:
    return planning.create(
        name="Restart",
        kind="command",
        arguments={"command": "reset", "fields": {"type": "Soft"}},
        stations={"everything": True},
        actor="ann",
    )


def start(client: Client, stations: list[ChargePoint], **more: str) -> Any:
    inputs = {"station": [str(one.pk) for one in stations], "type": "Soft", **more}
    return client.post(reverse("admin:stations-campaign", args=["reset"]), inputs)


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def page_of(campaign: Campaign) -> str:
    return reverse("admin:chargepoints_campaign_change", args=[campaign.pk])


def test_a_campaign_is_started_for_the_selected_stations(
    operator: Client, stations: list[ChargePoint]
) -> None:
    form = text(start(operator, stations))
    assert "Start campaign" in form and 'name="campaign-name" value="Reset"' in form

    made = start(operator, stations, confirmed=DANGER, **COURSE)

    campaign = Campaign.objects.get()
    assert made["Location"] == page_of(campaign)
    assert campaign.arguments == {"command": "reset", "fields": {"type": "Soft"}}
    picked = ("name", "actor", "at_once", "per_minute", "attempts", "retry_pause_s", "offline")
    assert [getattr(campaign, name) for name in picked] == ["Restart", "operator", 5, 30, 2, 600, "skip"]
    assert campaign.failure_limit_percent == 10
    assert campaign.window_from is not None and campaign.stations.count() == 2
    assert not Command.objects.exists()


def test_the_list_names_the_kind_in_words(operator: Client, campaign: Campaign) -> None:
    Campaign.objects.create(name="Lists", kind="local-list", arguments={}, deadline_at=campaign.deadline_at)
    Campaign.objects.create(name="Old", kind="gone", arguments={}, deadline_at=campaign.deadline_at)

    page = text(operator.get(reverse("admin:chargepoints_campaign_changelist")))
    kind_cells = re.findall(r"field-kind_title[^>]*>\s*([^<]*?)\s*<", page)

    assert kind_cells == ["gone", "Local list", "Command"]


def test_a_dangerous_command_must_be_confirmed(operator: Client, stations: list[ChargePoint]) -> None:
    answer = start(operator, stations, **COURSE)

    assert DANGER in text(answer)
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"campaign-name": ""}, "This field is required."),
        ({"campaign-at_once": "0"}, "greater than or equal to 1"),
        ({"campaign-window_to": ""}, "A window needs both"),
        (
            {"campaign-deadline_at_0": "2020-01-01", "campaign-deadline_at_1": "10:00"},
            "Must be in the future",
        ),
        ({"type": "Gentle"}, "Select a valid choice"),
    ],
)
def test_a_wrong_input_is_shown(
    operator: Client, stations: list[ChargePoint], wrong: dict[str, str], words: str
) -> None:
    answer = start(operator, stations, **{"confirmed": DANGER, **COURSE, **wrong})

    assert words in text(answer)
    assert not Campaign.objects.exists()


def test_the_page_has_the_progress_and_the_results(operator: Client, campaign: Campaign) -> None:
    failed = campaign.stations.get(charge_point__identity="CP-2")
    failed.state, failed.reason, failed.detail = "failed", "rejected", "Rejected"
    failed.save()

    page = text(operator.get(page_of(campaign)))
    snapshot = operator.get(reverse("admin:campaign-live", args=[campaign.pk])).json()

    assert "Reset (type: Soft)" in page
    assert snapshot["values"]["progress"]["text"] == "1 of 2 stations have a result"
    (first, second) = snapshot["tables"]["stations"]
    assert first[0]["text"] == "CP-2", "failures come first"
    assert (first[1]["text"], first[1]["note"]) == ("Failed", "Rejected by the station")
    assert (second[1]["text"], snapshot["ended"]) == ("Waiting", False)
    assert snapshot["values"]["share"] == {"text": "", "share": 1, "of": 2}
    assert "1 of 2" in text(operator.get(reverse("admin:chargepoints_campaign_changelist")))


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"state": "waiting"}, "Offline"),
        ({"state": "waiting", "reason": "no-answer"}, "No answer in time"),
        ({"state": "failed", "reason": "rejected", "detail": "rejected"}, "Rejected by the station"),
        ({"state": "failed", "reason": "error", "detail": "Busy"}, "Answered with an error: Busy"),
        ({"state": "skipped", "reason": "not-supported", "detail": "It has no list."}, "It has no list."),
        ({"state": "skipped", "reason": "cancelled"}, "Campaign cancelled"),
        ({"state": "done", "detail": "a.log, 12 bytes"}, "a.log, 12 bytes"),
        ({"state": "done"}, None),
    ],
)  # fmt: skip
def test_a_station_has_its_reason_once(
    operator: Client, campaign: Campaign, columns: dict[str, str], note: str | None
) -> None:
    ChargePoint.objects.update(is_online=False)
    campaign.stations.filter(charge_point__identity="CP-2").delete()
    campaign.stations.update(**columns)

    [row] = operator.get(reverse("admin:campaign-live", args=[campaign.pk])).json()["tables"]["stations"]

    assert row[1].get("note") == note


@pytest.mark.parametrize(
    ("columns", "row", "possible"),
    [
        ({}, "waiting", {"pause", "cancel"}),
        ({}, "failed", {"pause", "cancel", "retry-failed"}),
        ({"state": "paused"}, "offline", {"resume", "cancel", "retry-failed"}),
        ({"state": "finished", "finished_at": "2026-01-01T00:00:00Z"}, "done", {"delete"}),
        ({"state": "finished", "finished_at": "2026-01-01T00:00:00Z"}, "failed", {"delete", "retry-failed"}),
        ({"state": "cancelled", "finished_at": "2026-01-01T00:00:00Z"}, "failed", {"delete"}),
        ({"state": "cancelled"}, "sent", set()),
    ],
)
def test_only_the_buttons_that_fit_are_shown(
    operator: Client, campaign: Campaign, columns: dict[str, str], row: str, possible: set[str]
) -> None:
    campaign.stations.update(state=row)
    Campaign.objects.update(**columns)

    values = operator.get(reverse("admin:campaign-live", args=[campaign.pk])).json()["values"]

    assert {
        name.removeprefix("may-") for name, cell in values.items() if name.startswith("may-") and cell["text"]
    } == possible


def test_an_ended_campaign_is_deleted(operator: Client, campaign: Campaign) -> None:
    delete = reverse("admin:campaign-act", args=[campaign.pk, "delete"])
    assert "Cancel the campaign first." in text(operator.post(delete, follow=True))
    operator.post(reverse("admin:campaign-act", args=[campaign.pk, "cancel"]))

    answer = operator.post(delete, follow=True)

    assert "Campaign Restart deleted." in text(answer)
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("command", "inputs", "kind", "arguments"),
    [
        ("sync-local-list", {"full": "on"}, "local-list", {"full": True}),
        ("get-diagnostics", {"retries": "2"}, "logs", {"logType": "DiagnosticsLog", "retries": 2}),
        ("clear-cache", {}, "command", {"command": "clear-cache", "fields": {}}),
    ],
)
def test_a_command_with_a_kind_of_its_own_makes_a_campaign_of_it(  # noqa: PLR0917 - four are parameters
    operator: Client,
    stations: list[ChargePoint],
    command: str,
    inputs: dict[str, str],
    kind: str,
    arguments: dict[str, Any],
) -> None:
    posted = {"station": [str(one.pk) for one in stations], **inputs, **COURSE}

    operator.post(reverse("admin:stations-campaign", args=[command]), posted)

    campaign = Campaign.objects.get()
    assert (campaign.kind, {**campaign.arguments, **arguments}) == (kind, campaign.arguments)


def test_the_page_says_that_it_does_not_have_all_stations(
    operator: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = reverse("admin:campaign-live", args=[campaign.pk])
    assert operator.get(live).json()["values"]["more"]["text"] == ""
    monkeypatch.setattr(campaign_page, "_SHOWN", 1)

    snapshot = operator.get(live).json()

    sentence = "1 of 2 stations, the failed ones first. The API lists all of them."
    assert (len(snapshot["tables"]["stations"]), snapshot["values"]["more"]["text"]) == (1, sentence)


def test_the_buttons_of_a_campaign(operator: Client, campaign: Campaign) -> None:
    def press(name: str) -> str:
        answer = operator.post(reverse("admin:campaign-act", args=[campaign.pk, name]), follow=True)
        campaign.refresh_from_db()
        return text(answer)

    assert "Resume" in press("pause")
    assert (campaign.state, campaign.pause_reason) == ("paused", "Paused by operator.")
    press("resume")
    assert campaign.state == "running"
    assert "No station has failed or was offline." in press("retry-failed")
    press("cancel")
    assert campaign.state == "cancelled"
    assert "The campaign is cancelled." in press("pause")
    unknown = reverse("admin:campaign-act", args=[campaign.pk, "explode"])
    assert operator.post(unknown).status_code == 404
    assert operator.get(reverse("admin:campaign-act", args=[campaign.pk, "pause"])).status_code == 405


def test_viewers_only_read(viewer: Client, campaign: Campaign, stations: list[ChargePoint]) -> None:
    page = text(viewer.get(page_of(campaign)))

    assert "Restart" in page and "/act/" not in page and "Cancel campaign" not in page
    act = reverse("admin:campaign-act", args=[campaign.pk, "pause"])
    assert (viewer.post(act).status_code, start(viewer, stations, **COURSE).status_code) == (403, 403)


def test_an_unknown_campaign_is_404(viewer: Client, db: None) -> None:
    for number in ("999", "first"):
        assert viewer.get(f"/admin/chargepoints/campaign/{number}/change/").status_code == 404
