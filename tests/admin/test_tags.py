"""Tags of stations in the admin: in the form of a station, and as a filter of the list."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint
from chargepoints.services.provisioning import tags
from ocpp_server.domain import Invalid


def posted(client: Client, station: ChargePoint, words: str) -> Any:
    url = reverse("admin:chargepoints_chargepoint_change", args=[station.pk])
    form = client.get(url).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    return client.post(url, {**sent, "tags": words})


def test_an_operator_changes_the_tags_in_the_form(operator: Client, station: ChargePoint) -> None:
    saved = posted(operator, station, "Fast, north,, fast")
    shown = operator.get(reverse("admin:chargepoints_chargepoint_change", args=[station.pk]))

    assert saved.status_code == 302
    assert station.tag_names == ["Fast", "north"]
    assert 'value="Fast, north"' in shown.content.decode()


def test_a_long_tag_is_refused_with_the_reason(operator: Client, station: ChargePoint) -> None:
    refused = posted(operator, station, "x" * 51)

    assert refused.status_code == 200
    assert "1 to 50 characters" in refused.content.decode()
    assert station.tag_names == []


def test_the_list_is_filtered_by_a_tag(operator: Client, station: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER-1")
    tags.store(station, ["Fast"])
    tags.store(other, ["slow"])
    url = reverse("admin:chargepoints_chargepoint_changelist")

    page = operator.get(f"{url}?tag=fast")

    assert [one.pk for one in page.context["cl"].result_list] == [station.pk]


def test_tags_are_listed_once(station: ChargePoint) -> None:
    tags.store(station, ["Fast"])
    tags.store(ChargePoint.objects.create(identity="OTHER-1"), ["FAST", "slow"])

    assert list(tags.all_of_them()) == ["fast", "slow"]


@pytest.mark.parametrize("name", ["", "  ", "a,b", "x" * 51])
def test_names_that_are_no_tags(name: str) -> None:
    with pytest.raises(Invalid):
        tags.checked([name])
