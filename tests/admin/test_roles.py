"""Each role sees the links and buttons that it may use, and no others."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from accounts.models import User
from chargepoints.models import ChargePoint
from ocpp_server import rights
from ocpp_server.credentials import Role
from ocpp_server.rights import RIGHTS, Right
from tests.admin.rows import signed_in
from transactions.models import Transaction

LINKS = re.compile(r"""(?:\bhref|data-[a-z-]*(?:href|url|link))="(/admin/[^"]*)\"""")
POSTS = re.compile(r"""(?:<form[^>]*method="post"[^>]*action="([^"]+)"|formaction="([^"]+)")""")
SNAPSHOT = re.compile(r'<script id="snapshot"[^>]*>(.*?)</script>', re.DOTALL)
# Signing out, exports and searches say nothing about roles.
SKIPPED = {"logout", "token-export", "jsi18n", "password_change", "autocomplete"}


def posts_of(cell: Any) -> list[str]:
    """The addresses of the buttons in a snapshot."""
    if isinstance(cell, dict):
        own = [cell["post"]] if isinstance(cell.get("post"), str) else []
        return own + [found for value in cell.values() for found in posts_of(value)]
    return [found for value in cell for found in posts_of(value)] if isinstance(cell, list) else []


class Crawl:
    """Opens one page of each kind that is linked from the pages it knows, and collects their buttons."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.statuses: dict[str, int] = {}
        self.buttons: dict[str, str] = {}

    def go(self, path: str = "/admin/") -> None:
        waiting = [path]
        while waiting:
            address = waiting.pop()
            kind = self.kind(address)
            if kind in self.statuses or kind.split(":")[0] in {"", *SKIPPED}:
                continue
            page = self.client.get(address)
            self.statuses[kind] = page.status_code
            if page.status_code != 200 or "html" not in page["Content-Type"]:
                continue
            text = page.content.decode()
            waiting += [urljoin(address, html.unescape(found)) for found in LINKS.findall(text)]
            for found in POSTS.findall(text):
                self.press(urljoin(address, html.unescape("".join(found))))
            for snapshot in SNAPSHOT.findall(text):
                for found in posts_of(json.loads(snapshot)):
                    self.press(found)

    def press(self, address: str) -> None:
        self.buttons.setdefault(self.kind(address), address)

    def kind(self, address: str) -> str:
        try:
            match = resolve(urlsplit(address).path)
        except Resolver404:
            return ""
        return ":".join(
            [str(match.url_name), *(str(match.kwargs.get(name, "")) for name in ("name", "form"))]
        )


@pytest.fixture
def day(hostile_rows: dict[type, Any]) -> None:
    """A row of everything, a pending station and a suspect session among them."""
    ChargePoint.objects.update(registration_status="Pending")
    Transaction.objects.update(status="active")


@pytest.mark.parametrize(
    "role", ["viewer", "operator", pytest.param("administrator", marks=pytest.mark.nightly)]
)
def test_no_link_and_no_button_ends_in_a_refusal(day: None, role: str) -> None:
    crawl = Crawl(signed_in(User.objects.create_user("crawler", is_staff=True, role=role)))

    crawl.go()

    assert {kind: status for kind, status in crawl.statuses.items() if status >= 400} == {}
    assert len(crawl.statuses) > 40
    pressed = {
        kind: crawl.client.post(address, {}, HTTP_ACCEPT="application/json").status_code
        for kind, address in crawl.buttons.items()
        if kind.split(":")[0] not in SKIPPED
    }
    assert {
        kind: status for kind, status in pressed.items() if status in (403, 404, 405) or status >= 500
    } == {}
    names = {kind.split(":")[0] for kind in pressed}
    assert bool(names) == (role != "viewer"), names
    assert ({"refused-accept", "unknown-token-add", "station-accept"} <= names) == (role != "viewer")
    assert ("api-key-revoke" in names) == (role == "administrator")
    kinds = {kind.split(":")[0] for kind in crawl.statuses}
    assert ({"accounts_token_add", "chargepoints_chargepoint_add"} <= kinds) == (role != "viewer")
    assert ({"accounts_contract_add", "token-import", "person-erase"} <= kinds) == (role == "administrator")


@pytest.mark.parametrize("right", Right)
def test_a_right_belongs_to_its_lowest_role_and_those_above(right: Right) -> None:
    lowest = list(Role).index(RIGHTS[right][0])

    allowed = [rights.allows(User(role=role), right) for role in Role]

    assert allowed == [number >= lowest for number in range(len(Role))]


def test_the_document_of_roles_is_current() -> None:
    page = rights.PAGE.read_text()

    assert rights.written(page) == page


def test_an_operator_changes_a_station_but_not_its_access(operator: Client, station: ChargePoint) -> None:
    ChargePoint.objects.update(security_profile=1, password_hash="scrypt$", registration_status="Pending")
    change = reverse("admin:chargepoints_chargepoint_change", args=[station.pk])
    sent = {
        "name": "Yard", "registration_status": "Accepted", "security_profile": "0", "password": "mine-mine-9",
        "remove_password": "on", "unknown_tokens": "accept",
    }  # fmt: skip

    answer = operator.post(change, sent)

    assert answer.status_code == 302
    station.refresh_from_db()
    assert (station.name, station.registration_status) == ("Yard", "Accepted")
    assert (station.security_profile, station.password_hash) == (1, "scrypt$")
    assert (station.unknown_tokens, station.checks_username) == ("", True)
    assert 'name="password"' not in operator.get(change).content.decode()


def test_an_operator_adds_a_station_with_a_password(operator: Client) -> None:
    add = reverse("admin:chargepoints_chargepoint_add")
    sent = {"identity": "CP-9", "registration_status": "Accepted", "security_profile": "1"}

    operator.post(add, sent | {"password": "charge-me-now", "unknown_tokens": "accept"})

    station = ChargePoint.objects.get()
    assert station.password_hash and station.unknown_tokens == ""
