"""New campaigns: the choice of the stations, the checks of the arguments, and their secrets."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from chargepoints.models import Campaign, ChargePoint, Site
from chargepoints.services.campaigns import kinds, planning
from chargepoints.services.campaigns.command import COMMAND
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from tests.unit.chargepoints.campaigns.yard import Yard, make

pytestmark = pytest.mark.django_db

SOFT = {"command": "reset", "fields": {"type": "Soft"}}


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [one["field"] for one in error.value.errors]


@pytest.fixture
def depot() -> Site:
    depot = Site.objects.create(name="Depot")
    for identity, columns in {
        "B": {"vendor": "Acme", "site": depot},
        "A": {"vendor": "Acme"},
        "C": {"vendor": "Other", "site": depot, "firmware_version": "1.0"},
    }.items():
        ChargePoint.objects.create(identity=identity, **columns)
    return depot


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"everything": True}, "ABC"),
        ({"client_ids": ["c", "A", "a"]}, "AC"),
        ({"vendor": "Acme"}, "AB"),
        ({"firmware_version": "1.0"}, "C"),
        ({"client_ids": ["A", "B"], "vendor": "Acme"}, "AB"),
    ],
)
def test_stations_are_chosen_by_all_conditions(depot: Site, asked: dict[str, Any], found: str) -> None:
    keys = planning.chosen(**asked)

    assert [ChargePoint.objects.get(pk=key).identity for key in keys] == list(found)


def test_the_stations_of_a_site_are_chosen(depot: Site) -> None:
    keys = planning.chosen(site=depot, vendor="Other")

    assert [ChargePoint.objects.get(pk=key).identity for key in keys] == ["C"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "stations"),
        ({"vendor": "Nobody"}, "stations"),
        ({"client_ids": ["A", "X"]}, "stations.clientIds"),
    ],
)
def test_a_choice_without_stations_is_refused(depot: Site, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        planning.chosen(**asked)

    assert fields(error) == [field]


def test_more_stations_than_allowed_are_refused(depot: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_STATIONS", 2)

    with pytest.raises(Invalid, match="More than 2 stations"):
        planning.chosen(everything=True)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": " "}, "name"),
        ({"kind": "nothing"}, "kind"),
        ({"deadline_at": datetime(2020, 1, 1, tzinfo=UTC)}, "deadlineAt"),
        ({"window_from": time(9)}, "windowFrom"),
        ({"window_from": time(9), "window_to": time(9)}, "windowTo"),
        (
            {
                "starts_at": datetime.now(UTC) + timedelta(days=2),
                "deadline_at": datetime.now(UTC) + timedelta(days=1),
            },
            "deadlineAt",
        ),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(yard: Yard, options: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        make(1, **options)

    assert fields(error) == [field]
    assert not Campaign.objects.exists()


def test_a_deadline_is_a_week_after_the_start_unless_given(yard: Yard) -> None:
    start = datetime.now(UTC) + timedelta(days=1)

    assert make(1, starts_at=start).deadline_at == start + timedelta(days=7)


def test_secrets_are_shown_masked_and_kept_encrypted(yard: Yard, settings: Any) -> None:
    campaign = make(1, arguments={"secret": "k-9f27c1d4"})

    campaign.refresh_from_db()
    assert campaign.arguments == {"secret": "***"}
    assert "k-9f27c1d4" not in campaign.sealed_arguments
    assert planning.arguments_of(campaign) == {"secret": "k-9f27c1d4"}
    settings.SECRET_KEY = "another"
    assert planning.arguments_of(campaign) is None


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "arguments.command"),
        ({"command": "nothing"}, "arguments.command"),
        ({"command": "unlock", "fields": {"connectorId": 1}}, "arguments.command"),
        ({**SOFT, "more": 1}, "arguments.more"),
        ({"command": "reset", "fields": {"type": "Gentle"}}, "arguments.fields.type"),
        ({"command": "reset", "fields": {"kind": "Soft"}}, "arguments.fields.kind"),
        ({"command": "reset", "fields": [1]}, "arguments.fields"),
        ({"command": "change-configuration"}, "arguments.fields.key"),
    ],
)
def test_the_arguments_of_a_command_are_those_of_its_endpoint(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        COMMAND.check(arguments)

    assert fields(error)[0] == field


def test_a_command_has_its_role_and_its_sentence() -> None:
    assert COMMAND.check(SOFT) == SOFT
    assert COMMAND.role(SOFT) is Role.OPERATOR
    assert COMMAND.sentence(SOFT) == "Reset (type: Soft)"
    assert COMMAND.sentence({"command": "clear-cache", "fields": {}}) == "Clear cache"


@pytest.mark.parametrize(
    "asked",
    [
        {"command": "change-configuration", "fields": {"key": "WifiPassword", "value": "hunter2"}},
        {
            "command": "send",
            "fields": {
                "action": "ChangeConfiguration",
                "payload": {"key": "WifiPassword", "value": "hunter2"},
            },
        },
    ],
)
def test_the_secrets_of_a_command_are_masked(asked: dict[str, Any]) -> None:
    assert "hunter2" not in str(COMMAND.masked(COMMAND.check(asked)))


def test_the_database_keeps_the_rules_of_a_campaign(yard: Yard) -> None:
    campaign = make(1)

    for column, value in {"name": "", "at_once": 0, "attempts": 0, "window_from": time(9)}.items():
        with pytest.raises(IntegrityError), transaction.atomic():
            Campaign.objects.filter(pk=campaign.pk).update(**{column: value})


def test_a_second_kind_of_a_name_is_refused(yard: Yard) -> None:
    with pytest.raises(Exception, match="Two kinds of campaigns are named 'yard'"):
        kinds.register(Yard())
