"""The buttons of the station page: those of the station's version, under the headings of their blocks."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import ChargePoint
from ocpp_server import commanding
from ocpp_server.protocol.actions import ACTIONS
from ocpp_server.protocol.versions import V16, V21, V201
from operations import buttons
from tests.admin.rows import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender(db: None) -> User:
    return person(User.Role.OPERATOR)


def groups(user: User, version: str) -> dict[str, list[str]]:
    station = ChargePoint.objects.create(identity="CP1", ocpp_version=version)
    found = buttons.grouped(buttons.of(station, user))
    return {title: [button.command.name for button in members] for title, members in found}


def test_a_16_station_has_no_button_of_2x(sender: User) -> None:
    shown = groups(sender, V16)

    assert "Tariffs and payments" not in shown
    assert shown["Firmware"] == ["update-firmware"]
    names = {name for members in shown.values() for name in members}
    assert not names & {"get-base-report", "set-display-message", "set-der-control"}


@pytest.mark.parametrize("version", [V201, V21, ""])
def test_each_command_of_the_version_is_in_one_group(sender: User, version: str) -> None:
    shown = groups(sender, version)

    names = [name for members in shown.values() for name in members]
    expected = [one.name for one in buttons.allowed(sender) if not version or one.is_of(version)]
    assert sorted(names) == sorted(expected)
    assert len(names) > 30


def test_every_block_of_a_command_has_a_heading() -> None:
    known = {block for blocks in buttons.GROUPS.values() for block in blocks}

    used = {ACTIONS[name].block for one in commanding.commands() for name in one.actions}

    assert used - known == set()


@pytest.mark.parametrize(("version", "has"), [(V16, False), (V201, True)])
def test_only_a_2x_station_has_the_tables_of_2x(viewer: Client, version: str, has: bool) -> None:
    station = ChargePoint.objects.create(identity="CP1", ocpp_version=version)

    page = viewer.get(reverse("admin:station", args=[station.pk])).content.decode()

    assert ('data-rows="tariffs"' in page) is has
    assert 'data-rows="notes"' in page
