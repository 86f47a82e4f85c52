"""Root sets in the admin, and the campaign that installs the missing roots."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from certificates.models import RootSet, TrustRoot
from certificates.services.certificates import root_sets, roots
from chargepoints.models import Campaign, ChargePoint, Site
from ocpp_server.pki import parsing
from tests.unit.pki.made import make

LIST = "admin:certificates_rootset_changelist"


@pytest.fixture
def root(db: None) -> TrustRoot:
    return roots.add(kind="csms", certificate=parsing.pem_of(make("Yard", is_ca=True).certificate))


def test_a_set_is_saved_with_its_roots(superuser: Client, root: TrustRoot) -> None:
    site = Site.objects.create(name="Yard")
    form = {
        "name": "Yard",
        "is_enabled": "on",
        "roots": [root.pk],
        "site": site.pk,
        "vendor": "",
        "model": "",
    }

    assert superuser.post(reverse("admin:certificates_rootset_add"), form).status_code == 302
    made = RootSet.objects.get()
    assert (made.name, made.is_enabled, made.site, list(made.roots.all())) == ("Yard", True, site, [root])
    page = reverse("admin:certificates_rootset_change", args=[made.pk])
    changed = {"name": "All", "roots": [root.pk], "site": "", "vendor": "V", "model": "M"}
    assert superuser.post(page, changed).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.is_enabled, made.site, made.vendor, made.model) == ("All", False, None, "V", "M")
    refused = superuser.post(page, {**changed, "model": ""})
    assert list(refused.context["adminform"].form.errors) == ["model"]


def test_the_list_shows_the_stations_and_starts_a_campaign_for_them(
    superuser: Client, viewer: Client, station: ChargePoint, root: TrustRoot
) -> None:
    made = root_sets.create(name="Yard", roots=[root])
    action = {"action": "install_missing", "_selected_action": [made.pk]}

    page = viewer.get(reverse(LIST)).content.decode()
    assert "stations don&#x27;t know it" in page
    viewer.post(reverse(LIST), action)
    assert not Campaign.objects.exists()
    response = superuser.post(reverse(LIST), action)

    campaign = Campaign.objects.get()
    assert response["Location"] == reverse("admin:chargepoints_campaign_change", args=[campaign.pk])
    assert (campaign.kind, campaign.arguments["rootSetId"]) == ("root-certificates", made.pk)
    assert station.pk in campaign.stations.values_list("charge_point_id", flat=True)


def test_the_page_of_a_station_shows_a_root_that_it_lacks(
    viewer: Client, station: ChargePoint, root: TrustRoot
) -> None:
    root_sets.create(name="All", roots=[root])

    rows = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["certificates"]

    assert [(row[1]["text"], row[1]["note"], row[3]["text"]) for row in rows] == [
        ("Yard", "wanted by the root set All", "Not listed yet")
    ]
