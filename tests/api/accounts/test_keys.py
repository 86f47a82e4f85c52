"""API keys over REST: made, rolled with an overlap, revoked; their scopes, their requests, hidden data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import ApiKey, ApiKeyRequest, Contract, IdempotentRequest, Token, User
from accounts.services import api_key_requests, api_keys
from chargepoints.models import ChargePoint, Command, Message, Site
from ocpp_server.api import request_log
from tests.api.conftest import NOON, Caller
from tests.api.kit.lists import LISTS, Parents
from transactions.models import Transaction

KEYS = "/api/v1/api-keys"


def made(caller: Caller, **body: Any) -> tuple[Caller, int]:
    response = caller.post(KEYS, {"name": "backend", **body})
    assert response.status_code == 201, response.answer
    return Caller(response.info["key"]), response.info["id"]


def test_a_key_is_shown_once_and_works_at_once(administrator: Caller) -> None:
    response = administrator.post(KEYS, {"name": "backend", "role": "operator"}, Idempotency_Key="k-1")
    again = administrator.post(KEYS, {"name": "backend", "role": "operator"}, Idempotency_Key="k-1")

    shown = response.info
    assert response["Location"] == f"{KEYS}/{shown['id']}"
    assert (shown["scopes"], shown["sites"], shown["personal_data"], shown["state"]) == (
        None,
        None,
        True,
        "usable",
    )
    assert shown["actor"] == "key administrator"
    assert again["Idempotent-Replayed"] == "true" and "key" not in again.info
    assert shown["key"] not in str(IdempotentRequest.objects.values()) + str(ApiKey.objects.values())
    assert "key" not in administrator.get(f"{KEYS}/{shown['id']}").info
    assert Caller(shown["key"]).get("/clients").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["tokens:admin"]}, "scopes"),
        ({"scopes": ["tokens:write"]}, "scopes"),
        ({"sites": [999]}, "sites"),
        ({"role": "operator", "personal_data": False}, "role"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"role": "king"}, "role"),
    ],
)
def test_settings_that_make_no_sense_are_refused(administrator: Caller, body: Any, field: str) -> None:
    response = administrator.post(KEYS, {"name": "x", **body})

    assert response.status_code == 400
    assert response.info["param"].partition(".")[0] == field
    assert ApiKey.objects.count() == 1


def test_only_administrators_manage_keys(operator: Caller, viewer: Caller) -> None:
    assert [one.get(KEYS).status_code for one in (operator, viewer)] == [403, 403]
    assert operator.post(KEYS, {"name": "x"}).status_code == 403


def test_scopes_limit_a_key_beside_its_role(administrator: Caller, garage: ChargePoint) -> None:
    key, _ = made(administrator, role="operator", scopes=["chargepoints:read", "commands:write"])
    station = "/api/v1/chargepoints/GARAGE%201"

    statuses = {
        "list": key.get("/api/v1/chargepoints").status_code,
        "change": key.patch(station, {"name": "Yard"}).status_code,
        "reset": key.post(f"{station}/reset").status_code,
        "history": key.get(f"{station}/commands").status_code,
        "messages": key.get(f"{station}/messages").status_code,
        "tokens": key.get("/api/v1/tokens").status_code,
        "state": key.get("/health").status_code,
    }
    refused = key.get("/api/v1/tokens")

    assert list(statuses.values()) == [200, 403, 503, 200, 403, 403, 200]
    assert "tokens:read" in refused.answer["message"]


def test_a_key_with_scopes_gives_away_no_more_than_it_has(administrator: Caller) -> None:
    maker, _ = made(administrator, role="administrator", scopes=["api-keys:write", "sites:write"])
    _, other = made(administrator, role="administrator")

    asked = [
        maker.post(KEYS, {"name": "x"}),
        maker.post(KEYS, {"name": "x", "role": "operator", "scopes": ["tokens:write"]}),
        maker.post(f"{KEYS}/{other}/roll"),
        maker.post(KEYS, {"name": "x", "scopes": ["sites:read"]}),
    ]

    assert [response.status_code for response in asked] == [422, 422, 422, 201]


def test_a_rolled_key_works_beside_the_new_one_for_the_overlap(
    administrator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.objects.create(name="Depot")
    old, number = made(administrator, role="operator", scopes=["chargepoints:read"], sites=[site.pk])

    rolled = administrator.post(f"{KEYS}/{number}/roll", {"overlap": 3600})

    shown = rolled.info
    new = Caller(shown["key"])
    assert (shown["replaces"], shown["scopes"], shown["sites"]) == (number, ["chargepoints:read"], [site.pk])
    assert [one.get("/api/v1/chargepoints").status_code for one in (old, new)] == [200, 200]
    later = timezone.now() + timedelta(seconds=3601)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert [one.get("/api/v1/chargepoints").status_code for one in (old, new)] == [401, 200]
    assert administrator.post(f"{KEYS}/{number}/roll").status_code == 409


def test_a_key_is_changed_and_revoked(administrator: Caller) -> None:
    key, number = made(administrator)
    later = (timezone.now() + timedelta(days=9)).isoformat()

    changed = administrator.patch(f"{KEYS}/{number}", {"name": "billing", "expires_at": later})
    revoked = administrator.delete(f"{KEYS}/{number}")

    assert (changed.info["name"], revoked.info["state"]) == ("billing", "revoked")
    assert key.get("/clients").status_code == 401
    assert administrator.patch(f"{KEYS}/{number}", {"name": "x"}).status_code == 409
    usable = administrator.get(f"{KEYS}?usable=true").info["api_keys"]
    assert [one["name"] for one in usable] == ["administrator"]


def test_the_requests_of_a_key_are_written_together_and_bounded(
    administrator: Caller, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, number = made(administrator)
    request_log.take()
    Token.objects.create(uid="04A1")
    key.get("/api/v1/tokens/by-uid/04A1?type=RFID")
    key.get("/api/v1/nothing")
    key.post("/api/v1/tokens", {"uid": "X"})

    noted = request_log.take()
    with django_assert_num_queries(2):
        api_key_requests.store(noted)

    shown = administrator.get(f"{KEYS}/{number}/requests").info["requests"]
    assert [(one["method"], one["path"], one["status"]) for one in shown] == [
        ("POST", "/api/v1/tokens", 403),
        ("GET", "/api/v1/tokens/by-uid/••••", 200),
    ]
    monkeypatch.setattr(api_key_requests, "MOST", 1)
    api_key_requests.delete_old(timezone.now())
    assert list(ApiKeyRequest.objects.values_list("method", flat=True)) == ["POST"]
    api_key_requests.delete_old(timezone.now() + timedelta(days=31))
    assert not ApiKeyRequest.objects.exists()


def test_requests_wait_for_a_database_that_is_away_and_the_oldest_give_way() -> None:
    request_log.take()
    most = request_log.MOST
    noted = [request_log.Noted(1, NOON, "GET", str(n), 200, 1.0, "") for n in range(most + 2)]

    request_log.put_back(noted[most:])
    request_log.put_back(noted[:most])

    assert [one.path for one in request_log.take()] == [str(n) for n in range(2, most + 2)]
    assert request_log.take() == []


def test_the_database_refuses_a_hiding_key_that_writes(db: None) -> None:
    with pytest.raises(IntegrityError):
        ApiKey.objects.create(name="x", prefix="x", digest="x", role="operator", shows_personal_data=False)


MARK = "Secretly"


@pytest.fixture
def hiding(administrator: Caller) -> Caller:
    return made(administrator, personal_data=False)[0]


def test_no_list_shows_personal_data_to_a_key_without_it(hiding: Caller, viewer: Caller, db: None) -> None:
    parents = Parents()
    for number, rows in enumerate(LISTS.values()):
        rows.add(parents, number)
    User.objects.update(name=MARK, first_name=MARK, phone=MARK)
    User.objects.filter(pk=parents.person.pk).update(email=f"{MARK}@example.com")
    Token.objects.filter(pk=Token.objects.first().pk).update(uid=MARK, visual_number=MARK, name=MARK)  # type: ignore[union-attr]
    Contract.objects.filter(pk=parents.contract.pk).update(contract_id=MARK, name=MARK)
    Transaction.objects.update(id_token=MARK)
    payload = {"idTag": MARK, "idToken": {"idToken": MARK, "type": "ISO14443"}}
    Command.objects.update(payload=payload, response=payload)
    Message.objects.update(
        request=f'{{"idTag": "{MARK}"}}', response=f'{{"idTagInfo": {{"parentIdTag": "{MARK}"}}}}'
    )
    shown, seen = [], 0
    for path, rows in LISTS.items():
        parent = str(rows.parent(parents)) if rows.parent else ""
        start, _, rest = path.partition("{")
        address = f"/api/v1/{start}{parent}{rest.partition('}')[2]}" if rest else f"/api/v1/{path}"
        seen += MARK in viewer.get(address).content.decode()
        if MARK in hiding.get(address).content.decode():
            shown.append(address)
    for address in (
        f"/api/v1/users/{parents.person.pk}",
        f"/api/v1/contracts/{parents.contract.pk}",
        f"/api/v1/contracts/{parents.contract.pk}/members",
        f"/api/v1/tokens/{Token.objects.first().pk}",  # type: ignore[union-attr]
        f"/api/v1/transactions/{parents.session.pk}",
        "/api/v1/transactions/export",
        "/api/v1/tokens/export",
    ):
        for caller in (viewer, hiding):
            response = caller.get(address)
            assert response.status_code == 200, address
            content = b"".join(response.streaming_content) if response.streaming else response.content
            if caller is viewer:
                seen += MARK in content.decode()
            elif MARK in content.decode():
                shown.append(address)

    assert shown == []
    assert seen > 10


@pytest.mark.parametrize(
    "path",
    [
        "transactions?idTag=04A1",
        "tokens/by-uid/04A1",
        "users?email=a@b.c",
        "users?q=ann",
        "transactions?search=0",
    ],
)
def test_a_key_without_personal_data_does_not_search_for_it(
    hiding: Caller, viewer: Caller, path: str
) -> None:
    refused = hiding.get(f"/api/v1/{path}")

    assert refused.status_code == 403 and "hidden" in refused.answer["message"]
    assert viewer.get(f"/api/v1/{path}").status_code in (200, 404)
    assert hiding.get("/api/v1/chargepoints?search=x").status_code == 200


def test_a_key_made_by_the_service_takes_the_same_checks(db: None) -> None:
    key, _ = api_keys.create(name="x", scopes=["sites:read"])

    assert key.scopes == ["sites:read"]
