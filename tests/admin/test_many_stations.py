"""One command for several stations, while all of them are offline: rights, limits and the common form."""

from __future__ import annotations

import html
import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.commands.provisioning import RESET
from chargepoints.models import ChargePoint, Command
from ocpp_server import commanding
from ocpp_server.commanding import OperatorCommand
from ocpp_server.credentials import Role
from operations import many_stations
from operations.common_fields import common_fields
from tests.admin.hostile import HOSTILE
from tests.admin.rows import a_station
from tests.admin.test_pages import is_harmless
from transactions.commands.remote_control.trigger import TRIGGER

LIST = "/admin/chargepoints/chargepoint/"
CHOOSE = {"action": "send_a_command", "index": "0"}


@pytest.fixture
def stations(db: None) -> list[ChargePoint]:
    return [a_station(f"CP-{number}") for number in (1, 2)]


def keys(stations: list[ChargePoint]) -> list[str]:
    return [str(one.pk) for one in stations]


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def send(client: Client, name: str, stations: list[str], **more: str) -> Any:
    path = reverse("admin:stations-send", args=[name])
    return client.post(path, {"station": stations, "batch": str(uuid.uuid4()), **more}, follow=True)


def test_viewers_have_no_action_and_may_not_send(viewer: Client, stations: list[ChargePoint]) -> None:
    assert "send_a_command" not in text(viewer.get(LIST))
    viewer.post(LIST, {**CHOOSE, "_selected_action": keys(stations)})

    chosen = viewer.post(reverse("admin:stations-command"), {"command": "reset", "station": keys(stations)})
    assert (chosen.status_code, send(viewer, "reset", keys(stations)).status_code) == (403, 403)


def test_operators_choose_among_the_commands_that_fit_several_stations(
    operator: Client, stations: list[ChargePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = OperatorCommand("burn", "Burn", "Burn it.", action="Reset", role=Role.ADMINISTRATOR)
    monkeypatch.setitem(commanding._commands, "burn", secret)

    page = text(operator.post(LIST, {**CHOOSE, "_selected_action": keys(stations)}))

    offered = re.findall(r'name="command" value="([^"]+)"', page)
    assert {"reset", "trigger", "send"} <= set(offered)
    assert {"unlock", "remote-stop", "burn"}.isdisjoint(offered)
    for name, status in (("unlock", 404), ("explode", 404), ("burn", 403)):
        assert send(operator, name, keys(stations)).status_code == status
    assert operator.get(reverse("admin:station-command", args=[stations[0].pk, "burn"])).status_code == 403


def test_every_command_has_a_form_for_stations_of_different_versions(
    administrator: Client, stations: list[ChargePoint]
) -> None:
    ChargePoint.objects.filter(pk=stations[1].pk).update(ocpp_version="ocpp2.0.1")

    for command in commanding.commands():
        if command.fits_many:
            inputs = {"command": command.name, "station": keys(stations)}
            page = text(administrator.post(reverse("admin:stations-command"), inputs))
            assert "Send to 2 stations" in page


def test_fields_are_those_of_the_common_version_or_those_that_all_versions_have() -> None:
    old, new = (ChargePoint(identity=name, ocpp_version=f"ocpp{name}") for name in ("1.6", "2.0.1"))

    (type_of_new, evse) = common_fields(RESET, [new, new])
    (type_of_both,) = common_fields(RESET, [old, new])
    (messages, _evse, _force) = common_fields(TRIGGER, [old, new])

    assert evse.argument == "evse_number"
    assert dict(type_of_new.choices)["Soft"] == "When idle: wait until sessions end"  # type: ignore[attr-defined]
    assert dict(type_of_both.choices)["Soft"] == (  # type: ignore[attr-defined]
        "Soft: stop sessions first / When idle: wait until sessions end"
    )
    values = messages.values  # type: ignore[attr-defined]
    assert "StatusNotification" in values
    assert {"DiagnosticsStatusNotification", "TransactionEvent"}.isdisjoint(values)


def test_results_of_stations_that_are_offline_or_have_never_connected(
    operator: Client, stations: list[ChargePoint]
) -> None:
    new = ChargePoint.objects.create(identity=HOSTILE)

    answer = send(operator, "clear-cache", keys([*stations, new]))

    page = answer.content.decode()
    assert is_harmless(page)
    snapshot = answer.context["snapshot"]
    assert [row[1]["text"] for row in snapshot["tables"]["stations"]] == ["Offline"] * 3
    assert snapshot["ended"] and snapshot["values"]["progress"]["text"] == "3 of 3 finished"
    assert not Command.objects.exists()


def test_an_invalid_input_is_explained_at_its_field_and_nothing_is_sent(
    operator: Client, stations: list[ChargePoint]
) -> None:
    answer = send(operator, "send", keys(stations), action="Reset", payload="[]")

    assert "The payload must be a JSON object" in text(answer)
    assert "Send to 2 stations" in text(answer)


def test_stations_that_were_deleted_meanwhile_are_counted(
    operator: Client, stations: list[ChargePoint]
) -> None:
    gone = send(operator, "clear-cache", [str(stations[0].pk), "999999", "x"])
    none = send(operator, "clear-cache", ["999999"])

    assert "2 selected stations do not exist any longer." in text(gone)
    assert len(gone.context["snapshot"]["tables"]["stations"]) == 1
    assert "No station was selected." in text(none)


def test_too_many_stations_at_once_are_refused_with_the_limit(
    operator: Client, stations: list[ChargePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_stations, "MOST_STATIONS", 1)

    page = operator.post(LIST, {**CHOOSE, "_selected_action": keys(stations)}, follow=True)

    assert "Select at most 1 stations at a time." in text(page)


def test_results_belong_to_the_operator_who_sent(
    operator: Client, administrator: Client, stations: list[ChargePoint]
) -> None:
    number = send(operator, "clear-cache", keys(stations)).context["number"]

    assert operator.get(reverse("admin:stations-sent-live", args=[number])).status_code == 200
    assert administrator.get(reverse("admin:stations-sent-live", args=[number])).status_code == 404
    lost = administrator.get(reverse("admin:stations-sent", args=[number]), follow=True)
    assert "These results are not kept any longer." in text(lost)
