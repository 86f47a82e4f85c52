"""Every list has `fields`, full links, its expansions, and the rows that were deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Contract, Token, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint, Note, Site
from chargepoints.services import notes
from chargepoints.views.notes import NoteViewSet
from events.models import Deletion
from events.services import deletions
from ocpp_server.api.operations import List
from ocpp_server.api.pages import document
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.credentials import Role
from ocpp_server.storage.deletions import kept
from tests.api.conftest import Caller
from tests.api.kit.lists import LISTS, Parents, Rows

pytestmark = pytest.mark.django_db

V1 = "/api/v1/"
TOKENS, USERS = f"{V1}tokens", f"{V1}users"
# Rows that end by their retention, or that a station's next report replaces: a mirror keeps what it has read.
ENDS_BY_ITSELF = {
    "Alert", "AlertNote", "ApiKeyRequest", "AuditEntry", "Notification", "Outage", "VirtualStation",
    "BatterySwap", "CampaignStation", "ChargingPlan", "Command", "DerAlarm", "DerControl", "DeviceEvent",
    "DisplayMessage", "EventStream", "ExternalLimit", "FirmwareDownload", "FirmwareUpdate", "FollowUp",
    "InstalledCertificate", "InstalledProfile", "IssuedCertificate", "LocalList", "Message",
    "PublishedFirmware", "Reading", "Refusal", "ReportAssembly", "ReportedKey", "SecurityEvent",
    "SecurityProfileChange", "SigningRequest", "StationTariff", "StreamMessage", "VariableMonitor",
    "WebPayment", "WebhookDelivery",
    # These end with their station too, and an unknown token as a token.
    "Deviation", "QuarantinedMessage", "RefusedConnection", "UnknownToken",
}  # fmt: skip
# Rows that are never deleted.
STAYS = {
    "ApiKey", "AuthorityRequest", "Payment", "Reservation", "SessionCost", "Settlement", "Transaction"
}  # fmt: skip


def viewsets(patterns: Any = None, path: str = "") -> Iterator[tuple[str, type[ResourceViewSet]]]:
    """The declared resources with a list, by their paths as in the OpenAPI document."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        here = path + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from viewsets(one.url_patterns, here)
        elif isinstance(one, URLPattern):
            kind = getattr(one.callback, "cls", None)
            actions = getattr(one.callback, "actions", None) or {}
            is_list = kind and issubclass(kind, ResourceViewSet) and actions.get("get") == "list"
            if is_list and any(isinstance(operation, List) for operation in kind.operations):
                yield here.removeprefix("api/v1/").replace("<str:", "{").replace(">", "}"), kind


VIEWSETS = dict(viewsets())


class Listed:
    """One list of the API with some rows."""

    def __init__(self, path: str) -> None:
        self.rows: Rows = LISTS[path]
        self.parents = Parents()
        parent = self.rows.parent(self.parents) if self.rows.parent else ""
        start, _, rest = path.partition("{")
        self.url = V1 + start + (f"{parent}{rest.partition('}')[2]}" if rest else "")

    def add(self, number: int) -> Model:
        return self.rows.add(self.parents, number)


def test_every_list_of_the_api_is_here() -> None:
    assert set(VIEWSETS) == set(LISTS)


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_fields_links_expansions_and_deletions(administrator: Caller, path: str) -> None:
    listed, viewset = Listed(path), VIEWSETS[path]
    added = [listed.add(number) for number in (1, 2, 3)]

    # Only the fields that were asked for.
    chosen = administrator.get(f"{listed.url}?limit=2&fields={listed.rows.field}").info
    assert [set(row) for row in chosen[viewset.key]] == [{listed.rows.field}] * 2
    refused = administrator.get(f"{listed.url}?fields={listed.rows.field},nothing")
    assert (refused.status_code, refused.info["param"]) == (400, "fields")

    # The full address of the next page, with the same parameters.
    following = administrator.get(chosen["links"]["next"].removeprefix("http://testserver"))
    assert chosen["links"]["next"].startswith(f"http://testserver{listed.url.replace(' ', '%20')}?")
    assert {name for row in following.info[viewset.key] for name in row} == {listed.rows.field}
    keys = [row[listed.rows.field] for one in (chosen, following.info) for row in one[viewset.key]]
    assert len(set(keys)) == len(keys) >= 3

    # Each related row, or null.
    for name in viewset.expansions:
        expanded = administrator.get(f"{listed.url}?expand={name}")
        assert all(row[name] is None or isinstance(row[name], dict) for row in expanded.info[viewset.key])
    assert administrator.get(f"{listed.url}?expand=nothing").status_code == 400

    # The rows that were deleted.
    since = (timezone.now() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    if viewset.deletions is None:
        assert administrator.get(f"{listed.url}?deleted_from={since}").status_code == 400
        return
    key = kept()[viewset.deletions].key
    name = str(getattr(added[0], key))
    added[0].delete()
    gone = administrator.get(f"{listed.url}?deleted_from={since}").info
    assert ([str(row["id"]) for row in gone["deleted"]], gone["total"]) == ([name], 1)
    assert gone[viewset.key] == []


def test_every_listed_model_says_how_its_rows_end() -> None:
    shown = {viewset.deletions for viewset in VIEWSETS.values() if viewset.deletions is not None}
    models = set()
    parents = Parents()
    for path in LISTS:
        if VIEWSETS[path].deletions is None:
            models.add(type(LISTS[path].add(parents, 1 + len(models))).__name__)

    assert shown == set(kept())
    # A user's contracts and tokens, stations that lack a root, and rows with sums are parts of other lists.
    parts = {"ChargePoint", "Contract", "Evse", "ObservedConnector", "Site", "Token"}
    undecided = models - ENDS_BY_ITSELF - STAYS - parts
    assert not undecided, "`deletions.keep` and `deletions` of the viewset, or a place in the sets above"


def test_every_list_whose_rows_show_their_last_change_is_filtered_by_it() -> None:
    for path, viewset in VIEWSETS.items():
        (listing,) = [one for one in viewset.operations if isinstance(one, List)]
        shown = {"updatedAt", "updated_at"} & set(viewset.listed_shape()().fields)

        assert not shown or {"updated_from", "updated_to"} <= set(listing.query().fields), path


def test_an_expansion_has_a_name_of_its_own_and_is_documented() -> None:
    schemas = document()["components"]["schemas"]
    for viewset in VIEWSETS.values():
        for name, expansion in viewset.expansions.items():
            shapes = {viewset.serializer_class, viewset.listed_shape()}
            for shape in shapes:
                assert name not in shape().fields, (viewset, name)
                fields = schemas[shape.__name__.removesuffix("Serializer")]
                assert f"expand={name}" in fields["properties"][name]["description"]
                assert name not in fields["required"]
            assert expansion.shape().__name__.removesuffix("Serializer") in schemas


# -- one row -------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create(username="ann", name="Ann")


@pytest.fixture
def token(ann: User) -> Token:
    contract = Contract.objects.create(contract_id="C-1", name="Fleet")
    return Token.objects.create(uid="CARD", user=ann, contract=contract)


def test_one_row_has_fields_and_expansions_and_the_etag_of_the_whole_row(
    administrator: Caller, token: Token
) -> None:
    whole = administrator.get(f"{TOKENS}/{token.pk}")

    part = administrator.get(f"{TOKENS}/{token.pk}?fields=uid,status&expand=user,contract")

    assert set(part.info) == {"uid", "status", "user", "contract"}
    assert (part.info["user"]["name"], part.info["contract"]["name"]) == ("Ann", "Fleet")
    assert part["ETag"] == whole["ETag"]
    assert "user" not in whole.info


def test_a_read_ignores_other_parameters_as_before(administrator: Caller, token: Token) -> None:
    assert administrator.get(f"{TOKENS}/{token.pk}?_=1").status_code == 200
    assert administrator.get(f"{TOKENS}/by-uid/CARD?type=RFID&fields=uid").info == {"uid": "CARD"}
    assert administrator.get(f"{TOKENS}/by-uid/CARD?_=1").status_code == 400


@pytest.mark.parametrize(
    ("query", "param", "word"),
    [
        ("fields=", "fields", "blank"),
        ("fields=uid,", "fields", "known are"),
        ("fields=uid,password", "fields", "'password'"),
        ("expand=group", "expand", "known are contract, user"),
        ("expand=user,user,nothing", "expand", "'nothing'"),
        (f"fields={','.join(['uid'] * 101)}", "fields", "100"),
    ],
)
def test_a_wrong_name_is_400_and_the_known_ones_are_listed(
    administrator: Caller, token: Token, query: str, param: str, word: str
) -> None:
    for path in (TOKENS, f"{TOKENS}/{token.pk}"):
        refused = administrator.get(f"{path}?{query}")

        assert (refused.status_code, refused.info["param"]) == (400, param)
        assert word in refused.info["errors"][0]["reason"]


def test_an_expansion_costs_the_same_for_one_row_and_for_many(
    administrator: Caller, ann: User, django_assert_max_num_queries: Any
) -> None:
    site = Site.objects.create(name="Yard")
    ChargePoint.objects.bulk_create(
        ChargePoint(identity=f"CP-{number}", identity_key=f"cp-{number}", site=site) for number in range(30)
    )

    with django_assert_max_num_queries(12):
        found = administrator.get(f"{V1}chargepoints?expand=site&fields=clientId")

    assert {row["site"]["name"] for row in found.info["chargePoints"]} == {"Yard"}
    assert found.info["chargePoints"][0]["site"]["chargePointCount"] == 30


def test_an_expansion_needs_the_role_of_the_other_resource(
    token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts.views.users import UserViewSet

    monkeypatch.setattr(UserViewSet, "read_role", Role.ADMINISTRATOR)
    _, plain = api_keys.create(name="low", role=Role.VIEWER)

    refused = Caller(plain).get(f"{TOKENS}?expand=user")

    assert refused.status_code == 403
    assert refused.answer["message"] == (
        "No users for you: This needs the role administrator; yours is viewer."
    )


def test_an_expansion_shows_no_row_that_the_other_list_does_not_show(
    administrator: Caller, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts.views.users import UserViewSet

    monkeypatch.setattr(UserViewSet, "get_queryset", lambda self: User.objects.none())

    assert administrator.get(f"{TOKENS}/{token.pk}?expand=user").info["user"] is None


# -- deletions -----------------------------------------------------------------------------------------------


def since(**ago: float) -> str:
    return (timezone.now() - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def test_deletions_have_pages_and_belong_to_their_station(operator: Caller, garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    mine = [notes.add(garage, text=f"{number}", author="me") for number in range(3)]
    keys = [note.pk for note in mine]
    foreign = notes.add(other, text="x", author="me")
    for note in (*mine, foreign):
        note.delete()
    url = f"{V1}chargepoints/GARAGE%201/notes?deleted_from={since(minutes=1)}&limit=2"

    first = operator.get(url)
    second = operator.get(first.info["links"]["next"].removeprefix("http://testserver"))

    assert [row["id"] for one in (first, second) for row in one.info["deleted"]] == keys
    assert (first.info["total"], first.info["count"], second.info["next"]) == (3, 2, None)
    assert first["Link"] == f'<{first.info["links"]["next"]}>; rel="next"'
    assert "Link" not in second
    assert set(first.info["deleted"][0]) == {"id", "at"}


def test_a_deleted_station_takes_its_notes_and_is_named_by_its_identity(
    administrator: Caller, garage: ChargePoint
) -> None:
    site = Site.objects.create(name="Yard")
    added = ChargePoint.objects.create(identity="NEW", site=site)
    notes.add(added, text="x", author="me")

    administrator.delete(f"{V1}chargepoints/NEW")

    gone = administrator.get(f"{V1}chargepoints?deleted_from={since(minutes=1)}")
    assert [row["id"] for row in gone.info["deleted"]] == ["NEW"]
    note = Deletion.objects.get(resource="chargepoints.note")
    station = Deletion.objects.get(resource="chargepoints.chargepoint")
    assert (note.site_id, station.site_id) == (site.pk, site.pk)


@pytest.mark.parametrize("filter", ["author=me", "updated_from=2026-01-01", "search=x", "fields=id"])
def test_deletions_have_no_filters(viewer: Caller, garage: ChargePoint, filter: str) -> None:
    refused = viewer.get(f"{V1}chargepoints/GARAGE%201/notes?deleted_from={since(minutes=1)}&{filter}")

    assert refused.status_code == 400
    assert refused.info["param"] == filter.partition("=")[0]


def test_a_time_before_the_oldest_deletion_is_400(viewer: Caller, garage: ChargePoint, settings: Any) -> None:
    settings.DELETION_RETENTION = 3 * 24 * 3600

    refused = viewer.get(f"{V1}sites?deleted_from={since(days=4)}")
    allowed = viewer.get(f"{V1}sites?deleted_from={since(days=2)}")

    assert (refused.status_code, allowed.status_code) == (400, 200)
    assert refused.info["param"] == "deleted_from"
    assert "Read the whole list again" in refused.answer["message"]


def test_a_deletion_that_is_rolled_back_is_not_noted(garage: ChargePoint) -> None:
    from django.db import transaction

    note = notes.add(garage, text="x", author="me")

    with pytest.raises(RuntimeError), transaction.atomic():
        note.delete()
        raise RuntimeError

    assert not Deletion.objects.exists()
    assert Note.objects.count() == 1


def test_old_deletions_are_deleted(settings: Any) -> None:
    for number in range(3):
        deletions.add("sites", str(number), parent="", site=None)
    old = timezone.now() - timedelta(seconds=settings.DELETION_RETENTION + 60)
    Deletion.objects.exclude(row="2").update(deleted_at=old)

    assert deletions.delete_some() is False

    assert [one.row for one in Deletion.objects.all()] == ["2"]


def test_a_list_says_in_its_declaration_that_it_shows_deletions() -> None:
    assert NoteViewSet.deletions is Note


def test_a_key_for_some_sites_sees_their_deletions_and_related_rows_alone(
    administrator: Caller, ann: User
) -> None:
    mine, other = Site.objects.create(name="Mine"), Site.objects.create(name="Other")
    for name, site in (("MINE", mine), ("OTHER", other), ("NOWHERE", None)):
        ChargePoint.objects.create(identity=name, site=site)
        ChargePoint.objects.create(identity=f"{name}-GONE", site=site).delete()
    key, plain = api_keys.create(name="limited", role=Role.VIEWER)
    type(key).objects.filter(pk=key.pk).update(site_ids=[mine.pk])
    caller, stations = Caller(plain), f"{V1}chargepoints"

    gone = caller.get(f"{stations}?deleted_from={since(minutes=1)}").info
    shown = caller.get(f"{stations}?expand=site&fields=clientId").info["chargePoints"]
    all_gone = administrator.get(f"{stations}?deleted_from={since(minutes=1)}").info

    assert ([row["id"] for row in gone["deleted"]], gone["total"]) == (["MINE-GONE"], 1)
    assert [(row["clientId"], row["site"]["name"]) for row in shown] == [("MINE", "Mine")]
    assert {row["id"] for row in all_gone["deleted"]} == {"MINE-GONE", "OTHER-GONE", "NOWHERE-GONE"}
    assert caller.get(f"{V1}refused-tokens?expand=token").status_code == 403
