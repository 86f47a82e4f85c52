"""The page of a command: a title that says what it is, and the values of its answer."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client

from chargepoints.models import ChargePoint, Command
from configuration.models import StoredKey
from tests.admin.rows import NOON


def page(client: Client, station: ChargePoint, action: str, response: Any) -> str:
    Command.objects.create(
        id="c-1", charge_point=station, action=action, payload={}, state="accepted", response=response,
        created_at=NOON, deadline_at=NOON,
    )  # fmt: skip
    return html.unescape(client.get("/admin/chargepoints/command/c-1/change/").content.decode())


def cells(text: str) -> list[str]:
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<td data-head=[^>]*>(.*?)</td>", text)]


def test_the_keys_of_a_configuration_are_shown_without_secrets(viewer: Client, station: ChargePoint) -> None:
    answer = {
        "configurationKey": [
            {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
            {"key": "AuthorizationKey", "readonly": False, "value": "geheim-geheim-geheim"},
        ],
        "unknownKey": ["Nonsense"],
    }

    shown = page(viewer, station, "GetConfiguration", answer)

    assert cells(shown) == ["HeartbeatInterval", "false", "300", "AuthorizationKey", "false", "***"]
    assert "<dt>unknownKey</dt><dd>Nonsense</dd>" in shown
    assert "geheim" not in shown


def test_a_command_has_a_title_with_station_and_time(viewer: Client, station: ChargePoint) -> None:
    shown = page(viewer, station, "GetLocalListVersion", {"listVersion": 7})

    title = re.findall("<title>(.*?)</title>", shown, re.DOTALL)[0]
    assert "GetLocalListVersion to CP-1, 2026-05-04 12:00" in " ".join(title.split())
    assert "<dt>listVersion</dt><dd>7</dd>" in shown


def test_the_title_of_a_stored_key_has_no_secret(viewer: Client, station: ChargePoint) -> None:
    key = StoredKey.objects.create(charge_point=station, key="AuthorizationKey", value="geheim-geheim")

    shown = viewer.get(f"/admin/configuration/storedkey/{key.pk}/change/").content.decode()

    assert "AuthorizationKey of CP-1" in shown
    assert "geheim" not in shown
