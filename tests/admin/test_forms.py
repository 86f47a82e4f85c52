"""Each field of each form is saved as it was sent; pickers of people; new logins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, Contract, Member, Person, Token, TokenGroup, User
from aggregates.models import MaintenanceWindow
from certificates.models import AuthorityRequest
from chargepoints.models import ChargePoint, Note, Site
from configuration.models import ConfigurationTemplate, DesiredValue
from tariffs.models import WebPaymentKey
from transactions.models import AccessRule

PASSWORD = "correct-horse-7"
NOT_STORED = {"password", "remove_password", "password1", "password2", "usable_password", "secret"}
# A text for each field that takes one; choices, switches and rows are tried by themselves.
TEXTS: dict[str, Any] = {
    "identity": "CP-9", "name": "Yard", "password": PASSWORD, "password1": PASSWORD, "password2": PASSWORD,
    "assumed_timezone": "Europe/Vienna", "address": "Ring 1", "postal_code": "1010", "city": "Wien",
    "country": "AT", "email": "ann@example.com", "phone": "+43 1 2345678", "language": "de",
    "contract_id": "C-9", "max_members": 7, "energy_wh_per_day": 5000, "energy_wh_per_month": 90000,
    "country_code": "AT", "party_id": "ABC", "issuer": "Adler", "currency": "EUR", "uid": "04A2B3C4",
    "visual_number": "N-17", "group_id": "G-9", "text": "The lock is stiff.", "note": "Depot only",
    "username": "ann", "first_name": "Ann", "last_name": "Berger", "lines": "Ctrlr.A = 1", "key": "Interval",
    "value": "60", "description": "For all", "secret": "mysharedsecret", "evse_number": 2, "validity_s": 60,
    "length": 8, "organization": "Acme Charging", "tags": "Fast, north", "time_zone": "Europe/Vienna",
}  # fmt: skip
TIMES = {
    "valid_from": datetime(2026, 5, 1, 8, 0, tzinfo=UTC),
    "begins_at": datetime(2026, 5, 1, 8, 0, tzinfo=UTC),
}
LATER = datetime(2027, 5, 1, 8, 0, tzinfo=UTC)
# The fields of which exactly one is given.
ONE_OF = {
    AccessRule: ({"group", "contract", "token"}, {"charge_point", "site"}),
    MaintenanceWindow: ({"charge_point", "site"},),
    # A test key has the test site.
    ApiKey: ({"is_limited", "is_test"},),
}
# Choices that the other fields of the form do not allow.
NOT_TOGETHER = {(ChargePoint, "security_profile", "0")}
FORMS = [
    ChargePoint, Site, Note, Person, Contract, Token, TokenGroup, AccessRule, ApiKey, User,
    ConfigurationTemplate, DesiredValue, WebPaymentKey, AuthorityRequest, MaintenanceWindow,
]  # fmt: skip


def test_every_form_is_in_this_test(superuser: Client, rf: Any) -> None:
    request = rf.get("/")
    request.user = User.objects.get(username="root")

    editable = [model for model, page in admin.site._registry.items() if page.has_add_permission(request)]

    # Rules of alerts have a form for each code: they are in test_alerts.py.
    # A file of firmware is checked as a whole: its form is in test_firmware.py.
    # Roots and their sets have forms in test_trusted_roots.py and test_root_sets.py, revocations in
    # test_revocations.py, and webhooks in test_webhooks.py.
    # The form of recipients has fields of its own: test_alert_recipients.py.
    others = {"AccessAttempt", "AlertRecipient", "AlertRule", "FirmwareFile"}
    others |= {"RevocationList", "RevokedCertificate", "RootSet", "TrustRoot", "WebhookEndpoint"}
    assert {model.__name__ for model in editable} - others == {model.__name__ for model in FORMS}


@pytest.fixture
def rows(db: None, station: ChargePoint) -> dict[str, Model]:
    """A row for each field that refers to one."""
    paul = User.objects.create(username="paul", name="Paul")
    contract = Contract.objects.create(contract_id="C-1")
    Member.objects.create(contract=contract, user=paul, role="owner")
    return {
        "site": Site.objects.create(name="Depot"),
        "charge_point": station,
        "user": paul,
        "contract": contract,
        "token": Token.objects.create(uid="CARD-1"),
        "group": TokenGroup.objects.create(group_id="G-1", contract=contract),
    }


def rounds(model: type[Model], form: forms.BaseForm, rows: dict[str, Model]) -> Iterator[dict[str, Any]]:
    """The values of the fields, in as many rounds as a field has choices: each choice is sent once."""
    count = max([len(_choices(model, name, field)) for name, field in form.fields.items()] + [1])
    for number in range(count):
        sent = {}
        for name, field in form.fields.items():
            choices = _choices(model, name, field)
            sent[name] = choices[number % len(choices)]
        for names in ONE_OF.get(model, ()):  # type: ignore[call-overload]
            chosen = sorted(names)[number % len(names)]
            for name in (names & sent.keys()) - {chosen}:
                sent[name] = False if isinstance(form.fields[name], forms.BooleanField) else None
        yield {name: rows.get(name, value) if value == "row" else value for name, value in sent.items()}


def _choices(model: type[Model], name: str, field: forms.Field) -> list[Any]:
    if isinstance(field, forms.ModelChoiceField):
        return ["row"]
    if isinstance(field, forms.ChoiceField):
        offered = [str(value) for value, _words in field.choices]  # type: ignore[misc]
        # A viewer has no scope for writing. Two of the others are enough.
        offered = [value for value in offered if value.endswith(":read")][:2] or offered
        return [value for value in offered if (model, name, value) not in NOT_TOGETHER]
    if isinstance(field, forms.BooleanField):
        # Only a viewer hides personal data.
        fixed = {"remove_password": [False], "is_superuser": [False], "hides_personal_data": [False]}
        return fixed.get(name, [True, False])
    if isinstance(field, forms.SplitDateTimeField):
        return [TIMES.get(name, LATER)]
    return [TEXTS.get(name, "")]


def post(values: dict[str, Any]) -> dict[str, Any]:
    """The values as a browser sends them."""
    sent: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            sent |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"}
        elif isinstance(value, Model):
            sent[name] = value.pk
        elif value is True:
            sent[name] = "on"
        elif value is not None and value is not False:
            sent[name] = value
    return sent


def stored(row: Model, values: dict[str, Any]) -> dict[str, Any]:
    """The columns that the values should be in."""
    found = {name: getattr(row, name) for name in values if name not in NOT_STORED and hasattr(row, name)}
    if isinstance(row, ChargePoint):
        found["tags"] = ", ".join(row.tag_names)  # rows of their own
    return found


def expected(values: dict[str, Any], saved: dict[str, Any]) -> dict[str, Any]:
    return {name: type(saved[name])(values[name]) if isinstance(values[name], str) else values[name]
            for name in saved}  # fmt: skip


def members(rows: dict[str, Model], contract: Contract | None = None) -> dict[str, Any]:
    present = list(contract.members.all()) if contract else []
    paul: Any = rows["user"]
    return {
        "members-TOTAL_FORMS": 1,
        "members-INITIAL_FORMS": len(present),
        "members-0-id": present[0].pk if present else "",
        "members-0-user": paul.pk,
        "members-0-role": "owner",
        "members-0-status": "active",
    }


def form_of(page: Any) -> forms.BaseForm:
    form: forms.BaseForm = page.context["adminform"].form
    return form


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model.__name__)
def test_each_field_of_a_new_row_is_saved_as_it_was_sent(
    superuser: Client, rows: dict[str, Model], model: Any
) -> None:
    label = f"{model._meta.app_label}_{model._meta.model_name}"
    add = reverse(f"admin:{label}_add")
    form = form_of(superuser.get(add))
    before = set(model.objects.values_list("pk", flat=True))
    for values in rounds(model, form, rows):
        more = members(rows) if model is Contract else {}

        answer = superuser.post(add, post(values) | more)

        errors = answer.context and answer.context.get("errors")
        made = model.objects.exclude(pk__in=before).first()
        assert made is not None, errors
        saved = stored(made, values)
        assert saved == expected(values, saved)
        made.members.all().delete() if model is Contract else None
        made.delete()


# The signer reads a request for CAs once: it is added and never changed.
CHANGED = [model for model in FORMS if model is not AuthorityRequest]


@pytest.mark.parametrize("model", CHANGED, ids=lambda model: model.__name__)
def test_each_field_of_a_changed_row_is_saved_as_it_was_sent(
    superuser: Client, rows: dict[str, Model], model: Any
) -> None:
    label = f"{model._meta.app_label}_{model._meta.model_name}"
    row = _row_of(model, rows)
    change = reverse(f"admin:{label}_change", args=[row.pk])
    form = form_of(superuser.get(change))
    for values in rounds(model, form, rows):
        row.refresh_from_db()
        more = members(rows, row) if model is Contract else {}

        answer = superuser.post(change, post(values) | more)

        assert answer.status_code == 302, answer.context["errors"]
        row.refresh_from_db()
        saved = stored(row, values)
        assert saved == expected(values, saved)


def _row_of(model: Any, rows: dict[str, Model]) -> Any:
    if model is User:
        return User.objects.create_user("desk", password=PASSWORD, is_staff=True)
    if model is Person:
        return Person.objects.create(username="person-1", name="Anna")
    found = next((row for row in rows.values() if type(row) is model), None)
    if found is not None:
        return found
    if model is ApiKey:
        return ApiKey.objects.create(name="K", prefix="ocs_", digest="d")
    if model is Note:
        return Note.objects.create(charge_point=rows["charge_point"], text="First", author="root")
    if model is MaintenanceWindow:
        return MaintenanceWindow.objects.create(
            charge_point=rows["charge_point"], begins_at=TIMES["begins_at"], ends_at=LATER, author="root"
        )
    if model is ConfigurationTemplate:
        return ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"A": "1"})
    if model is DesiredValue:
        return DesiredValue.objects.create(charge_point=rows["charge_point"], key="A", value="1")
    if model is WebPaymentKey:
        return WebPaymentKey.objects.create(
            charge_point=rows["charge_point"], sealed_secret="x", validity_s=30, length=6, set_at=LATER
        )
    return AccessRule.objects.create(token=rows["token"], site=rows["site"])


# -- stations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
def test_a_station_is_added_with_the_chosen_registration(administrator: Client, status: str) -> None:
    form = {"identity": "CP-9", "registration_status": status, "security_profile": "0"}

    administrator.post(reverse("admin:chargepoints_chargepoint_add"), form)

    assert ChargePoint.objects.get().registration_status == status


def test_the_form_of_a_new_station_proposes_to_accept_it(administrator: Client) -> None:
    page = administrator.get(reverse("admin:chargepoints_chargepoint_add"))

    assert form_of(page)["registration_status"].initial == "Accepted"


def test_profile_0_and_a_password_do_not_go_together(administrator: Client, station: ChargePoint) -> None:
    form = {
        "identity": "CP-9",
        "registration_status": "Accepted",
        "security_profile": "0",
        "password": PASSWORD,
    }

    added = administrator.post(reverse("admin:chargepoints_chargepoint_add"), form)
    ChargePoint.objects.update(security_profile=1, password_hash="scrypt$")
    change = reverse("admin:chargepoints_chargepoint_change", args=[station.pk])
    kept = administrator.post(change, form | {"password": ""})
    removed = administrator.post(change, form | {"password": "", "remove_password": "on"})

    for page in (added, kept):
        assert "Profile 0 is for stations without a password" in page.content.decode()
    assert removed.status_code == 302
    station.refresh_from_db()
    assert (station.security_profile, station.password_hash) == (0, "")


# -- people --------------------------------------------------------------------------------------------------


def found(client: Client, term: str, model: str = "token") -> list[str]:
    """The names that the picker offers in the form of a token or a member."""
    query = {"app_label": "accounts", "model_name": model, "field_name": "user", "term": term}
    answer = client.get(reverse("admin:autocomplete"), query)
    assert answer.status_code == 200
    return [one["text"] for one in answer.json()["results"]]


@pytest.fixture
def people(db: None) -> None:
    User.objects.create(username="person-1", name="Anna Berger", email="anna@example.com", phone="+43 1 77")
    User.objects.create(username="person-2", first_name="Bert", last_name="Huber")
    User.objects.create_user("desk", first_name="Anna", last_name="Desk", is_staff=True)
    User.objects.create(username="erased", name="Anna Gone", erased_at=LATER)


@pytest.mark.parametrize("term", ["anna", "BERGER", "anna berger", "berger anna", "anna@ex", "+43 1 77"])
def test_the_picker_finds_a_person_by_name_email_and_phone(operator: Client, people: None, term: str) -> None:
    assert found(operator, term) == ["Anna Berger"]
    assert found(operator, term, "member") == ["Anna Berger"]


def test_the_picker_offers_people_and_no_operators(operator: Client, people: None) -> None:
    assert found(operator, "bert") == ["Bert Huber"]
    assert found(operator, "desk") == []
    assert found(operator, "") == ["Bert Huber", "Anna Berger"]


def test_an_operator_is_refused_as_a_holder(administrator: Client, people: None) -> None:
    desk = User.objects.get(username="desk")
    form = {"uid": "T-1", "type": "RFID", "status": "active", "valid": "on", "whitelist": "ALLOWED"}

    answer = administrator.post(reverse("admin:accounts_token_add"), form | {"user": desk.pk})

    assert "user" in form_of(answer).errors
    assert not Token.objects.exists()


def test_a_token_keeps_the_operator_that_holds_it_already(administrator: Client, people: None) -> None:
    desk = User.objects.get(username="desk")
    token = Token.objects.create(uid="T-1", user=desk)
    form = {"uid": "T-1", "type": "RFID", "status": "active", "valid": "on", "whitelist": "ALLOWED"}

    answer = administrator.post(
        reverse("admin:accounts_token_change", args=[token.pk]), form | {"user": desk.pk, "name": "Desk"}
    )

    assert answer.status_code == 302
    assert Token.objects.get().name == "Desk"


def test_the_buttons_beside_the_picker_lead_to_people(administrator: Client, people: None) -> None:
    page = administrator.get(reverse("admin:accounts_token_add")).content.decode()

    assert reverse("admin:accounts_person_add") in page
    assert reverse("admin:accounts_user_add") not in page.split('id="main"')[1]


def test_a_closed_person_joins_no_contract(administrator: Client, people: None) -> None:
    User.objects.filter(username="person-1").update(status="closed")
    anna: Any = User.objects.get(username="person-1")
    form = {"contract_id": "C-2", "type": "family", "status": "active", **members({"user": anna})}

    answer = administrator.post(reverse("admin:accounts_contract_add"), form)

    assert "Anna Berger is closed." in answer.content.decode()
    assert not Contract.objects.exists()


def test_the_first_member_of_a_new_contract_is_its_owner(administrator: Client, people: None) -> None:
    anna = User.objects.get(username="person-1")
    add = reverse("admin:accounts_contract_add")
    page = administrator.get(add)
    inline = page.context["inline_admin_formsets"][0].formset
    first = inline.forms[0]
    sent = {field.html_name: field.value() for form in (inline.management_form, first) for field in form}
    sent = {name: value for name, value in sent.items() if value is not None}
    form = {"contract_id": "C-2", "type": "individual", "status": "active"}

    answer = administrator.post(add, sent | form | {"members-0-user": anna.pk})

    assert answer.status_code == 302
    assert Member.objects.get().role == "owner"
    assert inline.empty_form["role"].value() == "member"


def test_a_contract_without_an_owner_says_how_to_choose_one(administrator: Client, people: None) -> None:
    anna: Any = User.objects.get(username="person-1")
    form = {"contract_id": "C-2", "type": "family", "status": "active", **members({"user": anna})}

    answer = administrator.post(reverse("admin:accounts_contract_add"), form | {"members-0-role": "member"})

    assert "Choose the role Owner for one member." in answer.content.decode()


@pytest.mark.parametrize(
    ("contract_id", "problem"), [("DE-8AA-001234567-9", "must be 0, not 9"), ("DE-8AA-001234567-0", "")]
)
def test_the_form_of_a_contract_reads_an_emaid(
    administrator: Client, people: None, contract_id: str, problem: str
) -> None:
    anna: Any = User.objects.get(username="person-1")
    form = {"contract_id": contract_id, "type": "family", "status": "active", **members({"user": anna})}

    answer = administrator.post(reverse("admin:accounts_contract_add"), form)

    if problem:
        assert problem in answer.content.decode()
        return
    contract = Contract.objects.get()
    assert (contract.contract_id, contract.country_code, contract.party_id) == (
        "DE8AA0012345670",
        "DE",
        "8AA",
    )
    page = administrator.get(reverse("admin:accounts_contract_change", args=[contract.pk])).content.decode()
    assert "DE-8AA-001234567-0 (check character 0)" in page
