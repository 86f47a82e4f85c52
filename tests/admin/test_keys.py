"""API keys in the admin: their rights are chosen once, and they are rolled."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey
from accounts.services import api_keys
from chargepoints.models import Site

ADD = "admin:accounts_apikey_add"


def test_the_rights_of_a_key_are_chosen_when_it_is_made(administrator: Client) -> None:
    site = Site.objects.create(name="Depot")
    sent = {
        "name": "billing", "role": "viewer", "is_limited": "on", "sites": [str(site.pk)],
        "scope_choices": ["transactions:read"], "hides_personal_data": "on",
    }  # fmt: skip

    answer = administrator.post(reverse(ADD), sent)

    key = ApiKey.objects.get()
    assert "ocs_" in answer.content.decode()
    assert (key.site_ids, key.scopes, key.shows_personal_data) == ([site.pk], ["transactions:read"], False)
    page = administrator.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()
    assert "Depot" in page and "transactions:read" in page and "Show the requests" in page


def test_rights_that_contradict_each_other_are_errors_of_the_form(administrator: Client) -> None:
    hiding = administrator.post(reverse(ADD), {"name": "x", "role": "operator", "hides_personal_data": "on"})
    writing = administrator.post(
        reverse(ADD), {"name": "x", "role": "viewer", "scope_choices": ["tokens:write"]}
    )

    assert "its role is viewer" in hiding.content.decode()
    assert "needs the role operator" in writing.content.decode()
    assert not ApiKey.objects.exists()


def test_a_changed_name_leaves_the_rights(administrator: Client) -> None:
    site = Site.objects.create(name="Depot")
    key, _ = api_keys.create(name="old", scopes=["sites:read"], site_ids=[site.pk])

    administrator.post(reverse("admin:accounts_apikey_change", args=[key.pk]), {"name": "new"})

    key.refresh_from_db()
    assert (key.name, key.scopes, key.site_ids) == ("new", ["sites:read"], [site.pk])


def test_a_rolled_key_is_shown_once(administrator: Client) -> None:
    key, _ = api_keys.create(name="billing", role="operator")
    roll = reverse("admin:api-key-roll", args=[key.pk])

    shown = administrator.post(roll).content.decode()

    new = ApiKey.objects.get(replaces=key)
    found = re.search(r"ocs_[\w-]{43}", shown)
    assert found is not None and api_keys.find(found[0]) == new
    assert (new.role, new.actor) == ("operator", "administrator")
    key.refresh_from_db()
    assert key.expires_at is not None
    api_keys.revoke(key)
    assert administrator.post(roll).status_code == 302
    assert ApiKey.objects.count() == 2
