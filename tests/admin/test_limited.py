"""A login that is limited to sites: no page shows or changes what belongs to another site, or to none."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import ApiKey, User
from chargepoints.models import ChargePoint, Command, Note, RefusedConnection, Site
from ocpp_server import sites
from tests.admin.rows import NOON, person, signed_in
from transactions.models import Transaction

MARK = "alert(1)"  # in every text of the hostile rows
# The pages of each model, which the first test opens, and those of the login.
DJANGOS = ("_changelist", "_add", "_change", "_delete", "_history", "login", "logout")
MODELS = [model for model in admin.site._registry if model._meta.app_label != "auth"]


@pytest.fixture
def depot(db: None) -> Site:
    return Site.objects.create(name="Depot")


@pytest.fixture
def limited(depot: Site) -> Client:
    """An administrator of the depot, which has no stations."""
    return signed_in(person(User.Role.ADMINISTRATOR, site_ids=[depot.pk]))


def address(model: Any, view: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_list_and_no_row_of_another_site_is_shown(
    limited: Client, hostile_rows: dict[type, Any], model: Any
) -> None:
    row = hostile_rows[model]

    listed = limited.get(address(model, "changelist"))
    opened = limited.get(address(model, "change", row.pk))

    expected = 200 if sites.has_sites(model) else 403
    assert listed.status_code == expected
    assert opened.status_code in (302, 403, 404)
    assert MARK not in html.unescape(listed.content.decode())


def pages(patterns: Any, prefix: str = "") -> Any:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from pages(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("admin/"):
            yield route, pattern


def test_no_other_page_of_the_admin_shows_a_row_of_another_site(
    limited: Client, hostile_rows: dict[type, Any]
) -> None:
    """Every page below /admin/ beside Django's own of each model, with the row of its model."""
    rows = {
        (model._meta.app_label, model._meta.model_name): row.pk  # type: ignore[attr-defined]
        for model, row in hostile_rows.items()
    }
    shown, count = {}, 0
    for route, pattern in pages(get_resolver().url_patterns):
        if "^" in route or not pattern.name or pattern.name.endswith(DJANGOS):
            continue
        parts = route.split("/")
        pk = rows.get((parts[1], parts[2]) if len(parts) > 2 else ("", ""), 1)
        path = re.sub(r"<slug:name>", "reset", route)
        path = re.sub(r"<uuid:\w+>", "11111111-1111-4111-8111-111111111111", path)
        path = "/" + re.sub(r"<[^>]+>", str(pk), path)
        for answer in (limited.get(path), limited.post(path, {"station": [pk], "session": [pk]})):
            count += 1
            text = html.unescape(answer.content.decode()) if not answer.streaming else ""
            if answer.status_code >= 500 or MARK in text:
                shown[path] = answer.status_code

    assert shown == {}
    assert count > 60
    assert not Command.objects.exclude(pk=hostile_rows[Command].pk).exists()


def test_the_pages_of_the_own_site_work(depot: Site, limited: Client, hostile_rows: dict[type, Any]) -> None:
    ChargePoint.objects.update(site=depot)
    station = hostile_rows[ChargePoint]

    answers = [
        limited.get("/admin/"),
        limited.get("/admin/live/"),
        limited.get(address(ChargePoint, "changelist")),
        limited.get(reverse("admin:station", args=[station.pk])),
        limited.get(address(Note, "change", hostile_rows[Note].pk)),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    for answer in answers[2:]:
        assert MARK in html.unescape(answer.content.decode())
    menu = answers[0].content.decode()
    assert "/admin/chargepoints/chargepoint/" in menu
    assert "/admin/accounts/token/" not in menu and "/admin/accounts/user/" not in menu


def test_a_station_stays_at_the_sites_of_the_login(depot: Site, limited: Client) -> None:
    yard = Site.objects.create(name="Yard")
    mine = ChargePoint.objects.create(identity="D-1", site=depot)
    change = address(ChargePoint, "change", mine.pk)
    sent = {"name": "X", "registration_status": "Accepted", "security_profile": "0"}

    form = limited.get(change).content.decode()
    moved = limited.post(change, sent | {"site": yard.pk})
    freed = limited.post(change, sent | {"site": ""})
    kept = limited.post(change, sent | {"site": depot.pk})

    assert "Depot" in form and "Yard" not in form
    assert [one.status_code for one in (moved, freed, kept)] == [200, 403, 302]
    mine.refresh_from_db()
    assert (mine.site, mine.name) == (depot, "X")


@pytest.mark.parametrize("count", [1, 2])
def test_an_unknown_station_is_accepted_at_the_only_site(depot: Site, count: int) -> None:
    ids = [depot.pk, *(Site.objects.create(name=str(number)).pk for number in range(1, count))]
    client = signed_in(person(User.Role.OPERATOR, site_ids=ids))
    refused = RefusedConnection.objects.create(
        identity="NEW", path="/", code=403, reason="Unknown.", can_be_accepted=True, at=NOON
    )

    listed = client.get(address(RefusedConnection, "changelist"))
    client.post(reverse("admin:refused-accept", args=[refused.pk]))

    assert "NEW" in listed.content.decode()
    assert list(ChargePoint.objects.values_list("site", flat=True)) == ([depot.pk] if count == 1 else [])


def test_the_poll_of_a_page_is_about_a_station_of_the_login(depot: Site, limited: Client) -> None:
    ChargePoint.objects.create(identity="D-1", site=depot)
    ChargePoint.objects.create(identity="ELSEWHERE")

    asked = [limited.get("/admin/changes/", {"station": name}) for name in ("", "D-1", "ELSEWHERE", "NONE")]

    assert [answer.status_code for answer in asked] == [200, 200, 404, 404]


@pytest.mark.parametrize("name", ["end", "ignore"])
def test_buttons_for_many_sessions_leave_those_of_other_sites(
    limited: Client, hostile_rows: dict[type, Any], name: str
) -> None:
    session = hostile_rows[Transaction]
    before = Transaction.objects.values().get(pk=session.pk)

    answer = limited.post(
        reverse("admin:sessions-settle", args=[name]), {"session": [session.pk], "reason": "None of mine."}
    )

    assert answer.status_code in (302, 404)
    assert Transaction.objects.values().get(pk=session.pk) == before


def test_pickers_offer_no_people_and_no_tokens(limited: Client) -> None:
    asked = {"app_label": "transactions", "model_name": "accessrule", "term": ""}

    tokens = limited.get("/admin/autocomplete/", asked | {"field_name": "token"})
    stations = limited.get("/admin/autocomplete/", asked | {"field_name": "charge_point"})

    assert (tokens.status_code, stations.status_code) == (403, 200)


def test_an_administrator_limits_a_login(superuser: Client, depot: Site) -> None:
    login = person(User.Role.OPERATOR)
    change = address(User, "change", login.pk)
    sent = {"username": login.username, "role": "operator", "is_active": "on"}

    def limit(**more: Any) -> Any:
        answer = superuser.post(change, sent | more)
        assert answer.status_code == 302, answer.content.decode()[-3000:]
        login.refresh_from_db()
        return login.site_ids

    assert limit(is_limited="on", sites=[str(depot.pk)]) == [depot.pk]
    assert "checked" in superuser.get(change).content.decode()
    assert limit(is_limited="on") == []
    assert limit(sites=[str(depot.pk)]) is None


def test_a_superuser_is_not_limited(db: None) -> None:
    root = User.objects.create_superuser("root2", site_ids=[])
    ChargePoint.objects.create(identity="CP-1")

    assert "CP-1" in signed_in(root).get(address(ChargePoint, "changelist")).content.decode()
    assert not ApiKey.objects.exists()
