"""The buttons of the admin: their rights and their effects."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, Token, UnknownToken, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint, Command, RefusedConnection
from ocpp_server import commanding
from ocpp_server.credentials import Role
from tests.admin.rows import NOON, a_session
from transactions.models import QuarantinedMessage

JSON = {"HTTP_ACCEPT": "application/json"}


def send(name: str, station: ChargePoint) -> str:
    return reverse("admin:station-send", args=[station.pk, name])


def test_a_viewer_may_not_send(viewer: Client, station: ChargePoint) -> None:
    for command in commanding.commands():
        for answer in (
            viewer.post(send(command.name, station), **JSON),
            viewer.get(form(command.name, station)),
        ):
            assert answer.status_code == 403, command.name
    assert not Command.objects.exists()
    assert "data-dialog" not in viewer.get(reverse("admin:station", args=[station.pk])).content.decode()


def test_nothing_is_sent_by_get(operator: Client, station: ChargePoint) -> None:
    for command in commanding.commands():
        is_allowed = command.role == Role.OPERATOR
        assert operator.get(send(command.name, station)).status_code == 405, command.name
        assert operator.get(form(command.name, station)).status_code == (200 if is_allowed else 403)
    assert not Command.objects.exists()


def form(name: str, station: ChargePoint) -> str:
    return reverse("admin:station-command", args=[station.pk, name])


def test_a_button_needs_the_pages_own_token(operator: Client, station: ChargePoint) -> None:
    user = User.objects.get(username="operator")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)

    for path in (send("reset", station), reverse("admin:station-accept", args=[station.pk])):
        assert strict.post(path, {"type": "Soft"}).status_code == 403


def test_a_command_to_an_offline_station_is_an_error_with_a_sentence(
    operator: Client, station: ChargePoint
) -> None:
    answer = operator.post(send("reset", station), {"type": "Soft"}, **JSON)

    assert answer.status_code == 400
    offline = r"CP-1 is offline, so nothing was sent\.( Last seen [\d-]{10} \d\d:\d\d\.)?"
    assert re.fullmatch(offline, answer.json()["sentence"])


def test_without_the_pages_script_the_answer_is_a_message(operator: Client, station: ChargePoint) -> None:
    answer = operator.post(send("clear-cache", station), follow=True)

    assert answer.redirect_chain == [(reverse("admin:station", args=[station.pk]), 302)]
    assert "CP-1 is offline, so nothing was sent." in answer.content.decode()


@pytest.mark.parametrize(
    ("payload", "words"),
    [("{", "Not valid JSON"), ("[]", "The payload must be a JSON object"), ("[" * 100_000, "Not valid JSON")],
)
def test_a_payload_that_is_no_object_is_not_sent(
    operator: Client, station: ChargePoint, payload: str, words: str
) -> None:
    answer = operator.post(send("send", station), {"action": "Reset", "payload": payload}, **JSON)

    assert answer.status_code == 400
    assert words in answer.json()["sentence"]


def test_another_stations_session_can_not_be_stopped_here(operator: Client, station: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2", ocpp_version="ocpp1.6")
    a_session(other, 1000)

    answer = operator.post(send("remote-stop", station), {"transaction": "1000"}, **JSON)

    assert answer.status_code == 400
    assert "This session has ended" in answer.json()["sentence"]


def test_an_unknown_button_is_not_found(operator: Client, station: ChargePoint) -> None:
    assert operator.post(reverse("admin:station-send", args=[station.pk, "explode"])).status_code == 404


def refused() -> RefusedConnection:
    return RefusedConnection.objects.create(
        identity="NEW-1", path="/ocpp/NEW-1", code=404, reason="Unknown.", can_be_accepted=True, at=NOON
    )


def test_accept_makes_a_refused_identity_a_charge_point(administrator: Client) -> None:
    log = refused()

    answer = administrator.post(reverse("admin:refused-accept", args=[log.pk]), {"next": "/admin/"})

    assert answer.headers["Location"] == "/admin/"
    assert ChargePoint.objects.get().registration_status == "Accepted"
    log.refresh_from_db()
    assert not log.can_be_accepted


def test_accept_of_an_invalid_identity_is_refused_with_a_reason(administrator: Client) -> None:
    log = refused()
    RefusedConnection.objects.update(identity="a:b")

    answer = administrator.post(reverse("admin:refused-accept", args=[log.pk]), follow=True)

    assert "Must not contain" in answer.content.decode()
    assert not ChargePoint.objects.exists()


def test_accept_accepts_a_pending_station(administrator: Client, station: ChargePoint) -> None:
    ChargePoint.objects.update(registration_status="Pending")

    administrator.post(reverse("admin:station-accept", args=[station.pk]))

    station.refresh_from_db()
    assert station.registration_status == "Accepted"


def test_a_button_never_redirects_to_another_host(administrator: Client) -> None:
    answer = administrator.post(
        reverse("admin:refused-accept", args=[refused().pk]), {"next": "https://elsewhere.example/"}
    )

    assert answer.headers["Location"] == reverse("admin:chargepoints_refusedconnection_changelist")


def unknown() -> UnknownToken:
    return UnknownToken.objects.create(uid="04AABB", uid_key="04aabb", first_seen_at=NOON, last_seen_at=NOON)


def test_one_click_adds_an_unknown_token(administrator: Client) -> None:
    administrator.post(reverse("admin:unknown-token-add", args=[unknown().pk]))

    assert Token.objects.get().uid == "04AABB"
    assert not UnknownToken.objects.exists()


def test_an_ignored_token_stays_listed_and_refused(administrator: Client) -> None:
    administrator.post(reverse("admin:unknown-token-ignore", args=[unknown().pk]))

    assert UnknownToken.objects.get().is_ignored
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("name", "of_operator"),
    [
        ("refused-accept", 302),
        ("unknown-token-add", 302),
        ("unknown-token-ignore", 302),
        ("api-key-revoke", 403),
    ],
)
def test_a_viewer_presses_no_button_and_an_operator_those_of_the_day(
    operator: Client, viewer: Client, name: str, of_operator: int
) -> None:
    log, card, key = refused(), unknown(), api_keys.create(name="K")[0]
    pk = {"refused-accept": log.pk, "api-key-revoke": key.pk}.get(name, card.pk)
    address = reverse(f"admin:{name}", args=[pk])

    assert viewer.post(address).status_code == 403
    assert not ChargePoint.objects.exists() and not Token.objects.exists()
    assert operator.get(address).status_code == 405
    assert operator.post(address).status_code == of_operator


def test_a_new_api_key_is_shown_once(administrator: Client) -> None:
    answer = administrator.post("/admin/accounts/apikey/add/", {"name": "Backoffice", "role": "operator"})

    page = answer.content.decode()
    key = ApiKey.objects.get()
    plain = page.split('op-secret">')[1].split("<")[0]
    assert api_keys.find(plain) == key
    assert "no-store" in answer.headers["Cache-Control"]
    assert plain not in administrator.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()


def test_a_revoked_api_key_is_refused(administrator: Client) -> None:
    key, plain = api_keys.create(name="K")

    administrator.post(reverse("admin:api-key-revoke", args=[key.pk]))

    assert api_keys.find(plain) is None


def test_operators_see_neither_users_nor_keys(operator: Client) -> None:
    assert operator.get("/admin/accounts/user/").status_code == 403
    assert operator.get("/admin/accounts/apikey/").status_code == 403


def test_an_administrator_can_not_make_superusers_or_change_one(administrator: Client) -> None:
    root = User.objects.create_superuser("root")
    myself = User.objects.get(username="administrator")
    form = {"username": "administrator", "role": "administrator", "is_active": "on", "is_staff": "on"}

    administrator.post(f"/admin/accounts/user/{myself.pk}/change/", form | {"is_superuser": "on"})
    changed = administrator.post(f"/admin/accounts/user/{root.pk}/change/", form | {"username": "mine"})
    password = administrator.post(
        f"/admin/accounts/user/{root.pk}/password/",
        {"password1": "stolen-pass-9", "password2": "stolen-pass-9"},
    )

    myself.refresh_from_db()
    assert not myself.is_superuser
    assert changed.status_code == 403
    assert password.status_code == 403


def station_form(**more: str) -> dict[str, str]:
    return {
        "identity": "CP-9",
        "registration_status": "Accepted",
        "security_profile": "0",
        "checks_username": "on",
    } | more


def test_a_station_is_added_with_a_password_that_is_never_shown(administrator: Client) -> None:
    answer = administrator.post(
        "/admin/chargepoints/chargepoint/add/", station_form(security_profile="1", password="charge-me-now")
    )

    station = ChargePoint.objects.get()
    assert answer.headers["Location"] == reverse("admin:station", args=[station.pk])
    assert station.password_hash and "charge-me-now" not in station.password_hash
    page = administrator.get(f"/admin/chargepoints/chargepoint/{station.pk}/change/").content.decode()
    assert "charge-me-now" not in page and station.password_hash not in page


def test_an_added_station_is_shown_with_the_url_to_set_in_it(administrator: Client) -> None:
    page = administrator.post(
        "/admin/chargepoints/chargepoint/add/", station_form(identity="CP 9"), follow=True
    )

    assert "Station CP 9 added. Set its URL to ws://testserver/ocpp/CP%209" in page.content.decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"identity": "a/b"}, "Must not contain"),
        ({"identity": "cp-1"}, "A station with this identity already exists"),
        ({"security_profile": "1"}, "Security profile 1 needs a password."),
        ({"assumed_timezone": "Europe/Nowhere"}, "Not a time zone."),
        ({"password": "short"}, "at least 8 characters"),
    ],
)
def test_an_invalid_setting_is_reported_at_its_field(
    administrator: Client, station: ChargePoint, wrong: dict[str, str], words: str
) -> None:
    page = administrator.post("/admin/chargepoints/chargepoint/add/", station_form(**wrong))

    assert page.status_code == 200
    assert words in page.content.decode()
    assert ChargePoint.objects.count() == 1


def test_saving_settings_leaves_the_live_state_alone(administrator: Client, station: ChargePoint) -> None:
    path = f"/admin/chargepoints/chargepoint/{station.pk}/change/"
    administrator.get(path)
    ChargePoint.objects.update(is_online=True, status="Charging")

    administrator.post(path, station_form(name="Yard"))

    station.refresh_from_db()
    assert (station.name, station.is_online, station.status) == ("Yard", True, "Charging")


def test_a_viewer_can_not_change_a_station(viewer: Client, station: ChargePoint) -> None:
    path = f"/admin/chargepoints/chargepoint/{station.pk}/change/"

    assert viewer.get(path).status_code == 200
    assert viewer.post(path, station_form(name="Mine")).status_code == 403
    assert viewer.get("/admin/chargepoints/chargepoint/add/").status_code == 403


def test_evidence_can_be_neither_changed_nor_deleted(superuser: Client, station: ChargePoint) -> None:
    a_session(station, 1000)

    assert superuser.get("/admin/transactions/transaction/1000/delete/").status_code == 403
    assert superuser.get("/admin/transactions/transaction/add/").status_code == 403
    assert superuser.get("/admin/chargepoints/message/add/").status_code == 403


def test_a_quarantined_message_is_marked_resolved_and_kept(operator: Client, station: ChargePoint) -> None:
    message = QuarantinedMessage.objects.create(
        charge_point=station, action="StopTransaction", reason="bad-message", payload="{}", received_at=NOON
    )

    operator.post(reverse("admin:quarantine-resolve", args=[message.pk]))

    message.refresh_from_db()
    assert message.resolved_at is not None
