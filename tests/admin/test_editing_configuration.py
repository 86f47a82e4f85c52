"""Templates and desired values are added, changed and deleted by the rules of the API."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import Campaign, ChargePoint
from configuration.models import ConfigurationState, ConfigurationTemplate, DesiredValue, ReportedKey
from configuration.services.variables import desired, templates
from tests.admin.rows import NOON

TEMPLATE = "admin:configuration_configurationtemplate"
VALUE = "admin:configuration_desiredvalue"
BASE = {"name": "Base", "dialect": "1.6", "lines": "A = 1\nB = "}


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def made(**values: str) -> ConfigurationTemplate:
    return templates.create(name="Base", dialect="1.6", values=values or {"A": "1"})


# -- templates -----------------------------------------------------------------------------------------------


def test_a_template_is_added_with_its_values(operator: Client) -> None:
    answer = operator.post(reverse(f"{TEMPLATE}_add"), BASE | {"reapplies": "on"})

    row = ConfigurationTemplate.objects.get()
    assert answer.status_code == 302
    assert (row.name, row.name_key, row.dialect, row.reapplies) == ("Base", "base", "1.6", True)
    assert row.values == {"A": "1", "B": ""}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lines": "A"}, "Line 1 must be key = value."),
        ({"lines": "AuthorizationKey = hush"}, "AuthorizationKey is a secret, which is not stored."),
        ({"lines": "A = 1\na = 2"}, "a is there twice; case makes no difference."),
        ({"lines": f"A = {'v' * 501}"}, "A: Must have at most 500 characters."),
        ({"dialect": "2.x"}, "A: 'A' must be Component.Variable"),
        ({"name": "OTHER"}, "A template with this name already exists."),
        ({"lines": ""}, "This field is required."),
    ],
)
def test_a_wrong_template_is_not_added(operator: Client, wrong: dict[str, str], words: str) -> None:
    templates.create(name="Other", dialect="1.6", values={"A": "1"})

    answer = operator.post(reverse(f"{TEMPLATE}_add"), BASE | wrong)

    assert words in text(answer)
    assert ConfigurationTemplate.objects.count() == 1


def test_a_changed_template_concerns_its_stations(operator: Client, station: ChargePoint) -> None:
    row = made(A="1", B="2")
    templates.assign(row, charge_point=station)
    ConfigurationState.objects.update(is_stale=False)
    change = reverse(f"{TEMPLATE}_change", args=[row.pk])
    assert "A = 1\nB = 2" in text(operator.get(change))

    operator.post(change, {"name": "New", "lines": "A = 5"})

    row.refresh_from_db()
    assert (row.name, row.dialect, row.values) == ("New", "1.6", {"A": "5"})
    assert ConfigurationState.objects.get().is_stale


def test_values_that_lines_cannot_express_stay(operator: Client) -> None:
    row = made(A="1\n2")
    change = reverse(f"{TEMPLATE}_change", args=[row.pk])
    assert "change them over the API" in text(operator.get(change))

    operator.post(change, {"name": "New", "lines": "A = 5"})

    row.refresh_from_db()
    assert (row.name, row.values) == ("New", {"A": "1\n2"})


def test_a_template_is_deleted_with_the_values_at_its_stations(
    operator: Client, station: ChargePoint
) -> None:
    row = made()
    templates.use(station, row)
    page = reverse(f"{TEMPLATE}_delete", args=[row.pk])
    assert operator.get(page).status_code == 200

    operator.post(page, {"post": "yes"})

    assert not ConfigurationTemplate.objects.exists()
    assert not DesiredValue.objects.exists()
    assert ConfigurationState.objects.get().is_stale


def test_a_viewer_sees_templates_and_desired_values(viewer: Client, station: ChargePoint) -> None:
    row = made(Alpha="17")
    templates.use(station, row)
    value = desired.add(station, key="Own", value="18")

    listed = text(viewer.get(reverse(f"{TEMPLATE}_changelist")))
    shown = text(viewer.get(reverse(f"{TEMPLATE}_change", args=[row.pk])))
    own = text(viewer.get(reverse(f"{VALUE}_change", args=[value.pk])))

    assert "Base" in listed
    assert '"Alpha": "17"' in shown and "lines" not in shown
    assert "18" in own
    for path in (f"{TEMPLATE}_add", f"{VALUE}_add"):
        assert viewer.get(reverse(path)).status_code == 403
    for path, pk in ((TEMPLATE, row.pk), (VALUE, value.pk)):
        assert viewer.post(reverse(f"{path}_change", args=[pk]), {}).status_code == 403
        assert viewer.post(reverse(f"{path}_delete", args=[pk]), {"post": "yes"}).status_code == 403


# -- desired values ------------------------------------------------------------------------------------------


def test_a_desired_value_is_added_compared_changed_and_deleted(
    operator: Client, station: ChargePoint
) -> None:
    ReportedKey.objects.create(charge_point=station, key="A", value="1", reported_at=NOON)

    operator.post(reverse(f"{VALUE}_add"), {"charge_point": station.pk, "key": "A", "value": "1"})
    row = DesiredValue.objects.get()
    assert (row.charge_point, row.key, row.value, row.state) == (station, "A", "1", "same")
    change = reverse(f"{VALUE}_change", args=[row.pk])
    operator.post(change, {"value": "5", "reapplies": "on", "key": "B", "charge_point": "99"})
    row.refresh_from_db()
    assert (row.charge_point, row.key, row.value, row.state) == (station, "A", "5", "differs")
    assert row.reapplies
    operator.post(reverse(f"{VALUE}_delete", args=[row.pk]), {"post": "yes"})
    assert not DesiredValue.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"key": "AuthorizationKey"}, "AuthorizationKey is a secret, which is not stored."),
        ({"key": "k" * 51}, "Must have 1 to 50 characters."),
        ({"value": "v" * 501}, "Must have at most 500 characters."),
        ({"key": "OWN"}, "The station has a desired value of this key already."),
    ],
)
def test_a_wrong_desired_value_is_not_added(
    operator: Client, station: ChargePoint, wrong: dict[str, str], words: str
) -> None:
    desired.add(station, key="Own", value="1")

    answer = operator.post(
        reverse(f"{VALUE}_add"), {"charge_point": station.pk, "key": "A", "value": "1"} | wrong
    )

    assert words in text(answer)
    assert DesiredValue.objects.count() == 1


def test_a_changed_desired_value_has_the_limits_of_the_dialect(
    operator: Client, station: ChargePoint
) -> None:
    row = desired.add(station, key="Own", value="1")

    answer = operator.post(reverse(f"{VALUE}_change", args=[row.pk]), {"value": "v" * 501})

    assert "Must have at most 500 characters." in text(answer)
    row.refresh_from_db()
    assert row.value == "1"


def test_a_station_has_at_most_200_desired_values(
    operator: Client, station: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desired, "MOST_PER_STATION", 1)
    row = desired.add(station, key="Own", value="1")

    refused = operator.post(reverse(f"{VALUE}_add"), {"charge_point": station.pk, "key": "A", "value": "1"})
    operator.post(reverse(f"{VALUE}_change", args=[row.pk]), {"value": "2"})

    assert "A station has at most 1 desired values." in text(refused)
    assert DesiredValue.objects.get().value == "2"


def test_the_value_of_a_template_is_replaced_by_one_of_the_station_and_not_edited(
    operator: Client, station: ChargePoint
) -> None:
    templates.use(station, made(A="1"))
    row = DesiredValue.objects.get()
    change = operator.post(reverse(f"{VALUE}_change", args=[row.pk]), {"value": "5"})
    delete = operator.post(reverse(f"{VALUE}_delete", args=[row.pk]), {"post": "yes"})
    assert (change.status_code, delete.status_code) == (403, 403)

    operator.post(reverse(f"{VALUE}_add"), {"charge_point": station.pk, "key": "a", "value": "5"})

    row = DesiredValue.objects.get()
    assert (row.key, row.value, row.template) == ("a", "5", None)
    operator.post(reverse(f"{VALUE}_delete", args=[row.pk]), {"post": "yes"})
    row = DesiredValue.objects.get()
    assert (row.key, row.value) == ("A", "1")


# -- stations ------------------------------------------------------------------------------------------------


COURSE = {
    "campaign-name": "Roll out",
    "campaign-failure_limit_percent": "10",
    "campaign-at_once": "5",
    "campaign-attempts": "1",
    "campaign-retry_pause_m": "5",
    "campaign-offline": "wait",
}


def apply(client: Client, template: ConfigurationTemplate, *stations: ChargePoint, **more: str) -> Any:
    inputs = {"template": template.pk, "station": [one.pk for one in stations], **more}
    return client.post(reverse("admin:stations-apply-template"), inputs)


def choose(client: Client, *stations: ChargePoint) -> Any:
    inputs = {"action": "apply_a_template", "_selected_action": [one.pk for one in stations]}
    return client.post(reverse("admin:chargepoints_chargepoint_changelist"), inputs, follow=True)


def test_a_template_is_chosen_for_the_selected_stations(operator: Client, station: ChargePoint) -> None:
    assert "There is no template yet." in text(choose(operator, station))
    row = made()

    page = text(choose(operator, station))

    assert f'name="template" value="{row.pk}"' in page and "CP-1" in page


def test_the_changes_are_shown_and_a_campaign_makes_them(operator: Client, station: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2", ocpp_version="ocpp2.0.1")
    row = made(Alpha="17", Beta="18", Gamma="19")
    ReportedKey.objects.create(charge_point=station, key="Alpha", value="16", reported_at=NOON)
    ReportedKey.objects.create(charge_point=station, key="Beta", value="18", reported_at=NOON)
    desired.add(station, key="Gamma", value="20")

    page = text(apply(operator, row, station, other))
    table = page[page.index("<tbody") : page.index("</tbody>")]
    cells = [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall("<td.*?</td>", table)]
    assert cells[:4] == ["CP-1", "Alpha", "16", "17"]
    assert "Beta" not in cells
    assert "Gamma" in cells and "Another desired value of the station wins." in page
    assert "Skipped: the template is for another OCPP version." in page
    assert not Campaign.objects.exists()
    answer = apply(operator, row, station, other, **COURSE)

    campaign = Campaign.objects.get()
    assert answer["Location"] == reverse("admin:chargepoints_campaign_change", args=[campaign.pk])
    assert (campaign.name, campaign.kind, campaign.actor) == ("Roll out", "configuration", "operator")
    assert campaign.arguments == {"templateId": row.pk, "templateName": "Base", "awaitReboot": True}
    assert campaign.stations.count() == 2
    assert "Apply the template Base" in text(operator.get(answer["Location"]))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"campaign-name": ""}, "This field is required."), ({"campaign-window_to": "05:00"}, "A window needs")],
)
def test_a_wrong_campaign_is_not_started(
    operator: Client, station: ChargePoint, wrong: dict[str, str], words: str
) -> None:
    assert words in text(apply(operator, made(), station, **COURSE | wrong))
    assert not Campaign.objects.exists()


def test_only_operators_apply_a_template_that_exists(
    viewer: Client, operator: Client, station: ChargePoint
) -> None:
    row = made()

    assert apply(viewer, row, station, **COURSE).status_code == 403
    assert apply(operator, row).status_code == 302
    row.pk = 0
    assert apply(operator, row, station, **COURSE).status_code == 404
    assert not Campaign.objects.exists()
