"""Sites: what is stored of them, and when they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from chargepoints.services import sites
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Home", "address": "Street 1", "postal_code": "1010", "city": "Vienna", "country": "AUT"}


def test_a_site_is_stored_without_the_blanks_around_its_texts() -> None:
    site = sites.create(**{name: f" {text} " for name, text in FIELDS.items()})

    site.refresh_from_db()
    assert {name: getattr(site, name) for name in FIELDS} == FIELDS
    assert sites.update(site, city=" Graz").city == "Graz"
    assert Site.objects.get().city == "Graz"


def test_a_name_is_neither_blank_nor_used_twice() -> None:
    sites.create(name="Home")

    with pytest.raises(Invalid) as blank:
        sites.create(name=" ")
    with pytest.raises(Conflict) as twice:
        sites.create(name="HOME")

    assert blank.value.errors == [{"field": "name", "reason": "Must not be blank."}]
    assert (twice.value.code, twice.value.field) == (Code.DUPLICATE, "name")


def test_a_field_that_is_no_setting_is_a_fault_of_the_caller() -> None:
    wrong: dict[str, Any] = {"name": "Home", "pk": "1", "id": "2"}

    with pytest.raises(TypeError, match="not a setting of a site: id, pk"):
        sites.create(**wrong)


def test_a_site_with_stations_is_in_use() -> None:
    site = sites.create(name="Home")
    station = ChargePoint.objects.create(identity="CP-1", site=site)

    with pytest.raises(Conflict, match="has stations") as refused:
        sites.delete(site)
    assert refused.value.code == Code.IN_USE

    station.delete()
    sites.delete(site)
    assert not Site.objects.exists()
