"""A caller that is limited to sites: every list and every address shows what belongs to these sites alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from accounts.models import ApiKey
from accounts.services import api_keys
from chargepoints.models import Campaign, CampaignStation, ChargePoint, RefusedConnection, Site
from events.models import Event, Stream
from ocpp_server import live, sites
from tests.api.accounts.test_credentials import addresses
from tests.api.conftest import NOON, Caller
from tests.api.kit.lists import LISTS, Parents
from transactions.models import Transaction

V1 = "/api/v1/"
REFUSED = (403, 404, 405)


def limited(*ids: int, role: str = "administrator") -> Caller:
    key, plain = api_keys.create(name="limited", role=role)
    ApiKey.objects.filter(pk=key.pk).update(site_ids=list(ids))
    return Caller(plain)


@pytest.fixture
def depot(db: None) -> Site:
    return Site.objects.create(name="Depot")


@pytest.fixture
def parents(db: None) -> Parents:
    """The rows that the rows of lists belong to; their station is at the site ~parent."""
    made = Parents()
    ChargePoint.objects.update(site=made.site)
    return made


@pytest.fixture
def elsewhere(depot: Site) -> Caller:
    """An administrator of a site without stations."""
    return limited(depot.pk)


def told(caller: Caller, path: str) -> Any:
    response = caller.get(path)
    return response.info["total"] if response.status_code == 200 else response.status_code


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_the_rows_of_the_callers_sites(
    administrator: Caller, elsewhere: Caller, parents: Parents, path: str
) -> None:
    rows = LISTS[path]
    row = rows.add(parents, 7)
    # Rows of lists that make a station or a campaign of their own.
    ChargePoint.objects.filter(site=None).update(site=parents.site)
    for campaign in Campaign.objects.filter(stations=None):
        CampaignStation.objects.create(campaign=campaign, charge_point=parents.station, not_before=NOON)
    address = V1 + re.sub(r"\{[^}]+\}", str(rows.parent(parents)) if rows.parent else "", path)
    of_sites = resolve(address).func.cls.is_of_sites

    whole, own, foreign = (
        told(caller, address) for caller in (administrator, limited(parents.site.pk), elsewhere)
    )

    assert whole > 0
    if path in ("sites", "aggregates/sites"):
        assert (own, foreign) == (1, 1)
    elif path == "certificates/root-sets":
        assert (own, foreign) == (0, 0)  # a set that is for no site
    else:
        assert own == (whole if of_sites else 403)
        assert foreign in ((404, 0) if of_sites else (403,))
    column = rows.column
    key = column(row) if callable(column) else getattr(row, column)
    assert elsewhere.get(f"{address}/{quote(str(key), safe='')}").status_code in REFUSED


def of_parents(parents: Parents) -> Iterator[tuple[str, str]]:
    """Every operation on a station, a session, a campaign or a site, with those of the other site."""
    values = {
        "client_id": quote(parents.station.identity, safe=""),
        "transaction_id": parents.session.pk,
        "campaign_id": parents.campaign.pk,
        "site_id": parents.site.pk,
    }

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and route.startswith("api/v1/"):
                names = re.findall(r"<(?:\w+:)?(\w+)>", route)
                if names and names[0] in values:
                    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), route)
                    for method in set(getattr(pattern.callback, "actions", ())) - {"head"}:
                        yield method.upper(), path

    yield from walk(get_resolver().url_patterns, "")


def test_every_address_of_another_site_is_refused_whatever_the_method(
    elsewhere: Caller, parents: Parents
) -> None:
    answers = {one: elsewhere.request(one[0], f"/{one[1]}", {}).status_code for one in of_parents(parents)}

    assert {one: status for one, status in answers.items() if status not in REFUSED} == {}
    assert len(answers) > 140


def test_no_address_fails_for_a_limited_caller(elsewhere: Caller, parents: Parents) -> None:
    paths = [path for path in addresses() if path.startswith(("api/v1/", "clients", "health"))]

    failed = {path: status for path in paths if (status := elsewhere.get(f"/{path}").status_code) >= 500}

    assert failed == {}


def test_a_body_can_not_name_a_station_of_another_site(elsewhere: Caller, parents: Parents) -> None:
    station = parents.station.identity
    start = {"clientId": station, "idTag": "A"}
    campaign = {"name": "C", "kind": "command", "arguments": {"command": "reset", "arguments": {}}}

    asked = [
        elsewhere.post(f"{V1}transactions/remote-start", start),
        elsewhere.post(f"{V1}transactions/remote-stop", {"transactionId": parents.session.pk}),
        elsewhere.post(f"{V1}campaigns", campaign | {"stations": {"clientIds": [station]}}),
        elsewhere.post(f"{V1}campaigns", campaign | {"stations": {"all": True}}),
        elsewhere.post(f"{V1}access-rules", {"charge_point_id": station, "effect": "allow"}),
    ]

    assert [response.status_code for response in asked] == [404, 404, 400, 400, 400]
    assert not Campaign.objects.exclude(pk=parents.campaign.pk).exists()
    assert told(elsewhere, f"{V1}transactions?clientId={quote(station)}") == 0


def test_several_sessions_are_settled_only_of_the_sites(elsewhere: Caller, parents: Parents) -> None:
    Transaction.objects.update(suspect=True, suspect_reasons=["silent"], status="ended", ended_by="station")
    asked = {"transactionIds": [parents.session.pk], "fix": "ignore", "reason": "None of mine."}

    foreign = elsewhere.post(f"{V1}transactions/settle", asked)
    own = limited(parents.site.pk).post(f"{V1}transactions/settle", asked)

    assert (foreign.info["settled"], own.info["settled"]) == (0, 1), foreign.answer


def test_a_station_is_added_to_a_site_of_the_caller_and_stays_there(depot: Site, parents: Parents) -> None:
    one, two = limited(depot.pk), limited(depot.pk, Site.objects.create(name="Yard").pk)

    added = one.post(f"{V1}chargepoints", {"clientId": "NEW"})
    unnamed = two.post(f"{V1}chargepoints", {"clientId": "NEWER"})
    foreign = one.post(f"{V1}chargepoints", {"clientId": "NEWER", "siteId": parents.site.pk})
    moved = one.patch(f"{V1}chargepoints/NEW", {"siteId": parents.site.pk})
    freed = one.patch(f"{V1}chargepoints/NEW", {"siteId": None})
    known = one.post(f"{V1}chargepoints", {"clientId": parents.station.identity})

    statuses = [one.status_code for one in (added, unnamed, foreign, moved, freed, known)]
    assert statuses == [201, 400, 400, 400, 400, 409]
    assert ChargePoint.objects.get(identity="NEW").site == depot
    assert not ChargePoint.objects.filter(identity="NEWER").exists()
    assert one.post(f"{V1}sites", {"name": "Mine"}).status_code == 400
    assert not Site.objects.filter(name="Mine").exists()


def test_events_are_those_of_the_sites_and_refused_unknown_stations(
    elsewhere: Caller, parents: Parents
) -> None:
    def event(number: int, kind: str, **columns: Any) -> Event:
        return Event.objects.create(
            uid=f"evt_{number}", type=kind, position=number, data="{}", at=NOON, **columns
        )

    event(1, "station.booted", station="~parent", site_id=parents.site.pk)
    event(2, "station.booted", station="HOMELESS")
    event(3, "station.refused")
    event(4, "station.refused", station="~parent", site_id=parents.site.pk)

    def seen(caller: Caller) -> list[int]:
        page = caller.get(f"{V1}events?after=0").info
        assert (page["gap"], page["more"]) == (False, False)
        return [one["position"] for one in page["events"]]

    Stream.objects.update_or_create(pk=Stream.ALL, defaults={"position": 4})
    assert seen(elsewhere) == [3]
    assert seen(limited(parents.site.pk)) == [1, 3, 4]
    assert [elsewhere.get(f"{V1}events/evt_{one}").status_code for one in (1, 2, 3)] == [404, 404, 200]


def test_the_export_and_the_sums_have_the_sessions_of_the_sites(elsewhere: Caller, parents: Parents) -> None:
    Transaction.objects.update(status="ended", stopped_at=NOON)

    def lines(caller: Caller) -> int:
        return b"".join(caller.get(f"{V1}transactions/export").streaming_content).count(b"\n")

    assert (lines(limited(parents.site.pk)), lines(elsewhere)) == (2, 1)
    assert elsewhere.get(f"{V1}transactions/monthly-energy?month=2026-05").info["sites"] == []


def test_connected_clients_are_those_of_the_sites(
    elsewhere: Caller, parents: Parents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(live.state()), "connected", lambda self: ["~parent", "HOMELESS"])

    assert elsewhere.get("/clients").info["clients"] == []
    assert limited(parents.site.pk).get("/clients").info["clients"] == ["~parent"]
    assert elsewhere.get("/metrics").status_code == 403


def test_a_campaign_is_theirs_whose_stations_all_are(depot: Site, parents: Parents) -> None:
    other = ChargePoint.objects.create(identity="D-1", site=depot)
    add = CampaignStation.objects.create
    add(campaign=parents.campaign, charge_point=other, not_before=NOON)
    mine = limited(depot.pk)
    assert told(mine, f"{V1}campaigns") == 1

    add(campaign=parents.campaign, charge_point=parents.station, not_before=NOON)

    assert told(mine, f"{V1}campaigns") == 0
    assert told(limited(depot.pk, parents.site.pk), f"{V1}campaigns") == 1


def test_refused_connections_are_theirs_unless_a_station_elsewhere_has_the_identity(
    depot: Site, parents: Parents
) -> None:
    for identity in ("UNKNOWN", "~PARENT"):
        RefusedConnection.objects.create(identity=identity, path="/", code=403, reason="No.", at=NOON)

    with sites.limited_to(frozenset({depot.pk, sites.UNKNOWN})):
        assert list(RefusedConnection.objects.values_list("identity", flat=True)) == ["UNKNOWN"]
    with sites.limited_to(frozenset({parents.site.pk, sites.UNKNOWN})):
        assert RefusedConnection.objects.count() == 2
    with sites.limited_to(frozenset({parents.site.pk})):  # a test key
        assert list(RefusedConnection.objects.values_list("identity", flat=True)) == ["~PARENT"]


def test_a_caller_whose_sites_are_gone_sees_nothing(parents: Parents) -> None:
    nowhere = limited()

    assert told(nowhere, f"{V1}chargepoints") == 0
    assert told(nowhere, f"{V1}sites") == 0
