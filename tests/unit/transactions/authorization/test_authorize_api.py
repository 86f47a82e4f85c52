"""POST /authorize and the remote start apply the same rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import api_keys, token_keys
from chargepoints.models import ChargePoint, Site
from simulator import V16, V201, Station
from tests.api.conftest import Caller
from tests.direct.accounts import a_contract, a_person, a_token
from tests.servers import LiveServer
from transactions.models import AccessRule, Transaction

AUTHORIZE = "/api/v1/authorize"


@pytest.fixture
def operator(db: None) -> Caller:
    return Caller(api_keys.create(name="operator", role=User.Role.OPERATOR)[1])


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(
        identity="GARAGE 1", ocpp_version=V16, site=Site.objects.create(name="Depot")
    )


def charging(charge_point: ChargePoint, token: Any, evse: int = 1) -> Transaction:
    now = timezone.now()
    return Transaction.objects.create(
        id=1000 + Transaction.objects.count(),
        ocpp_id=str(Transaction.objects.count()),
        charge_point=charge_point,
        evse_number=evse,
        token=token,
        id_token=token.uid,
        group_id=token.group_id,
        energy_wh=2000,
        started_at=now,
        start_received_at=now,
        last_message_at=now,
    )


def test_an_accepted_token_is_returned_with_all_its_fields(operator: Caller, garage: ChargePoint) -> None:
    until = timezone.now() + timedelta(days=1)
    alice = a_person()
    a_token(user=alice, contract=a_contract(owner=alice, valid_until=until), group_id="FAMILY")

    answer = operator.post(AUTHORIZE, {"id_tag": "card", "charge_point_id": "garage 1", "connector_id": 1})

    assert answer.status_code == 200
    assert answer.info == {
        "status": "Accepted",
        "allowed": True,
        "parent_id_tag": "FAMILY",
        "expiry_date": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "contract_id": "C-1",
    }


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (None, "Invalid"),
        ({"status": "blocked"}, "Blocked"),
        ({"status": "expired"}, "Expired"),
        ({"valid": False}, "Invalid"),
        ({"is_master": True}, "Invalid"),
        ({"energy_wh_per_day": 0}, "Invalid"),
    ],
)
def test_a_refused_token_has_its_reason(operator: Caller, token: dict[str, Any] | None, status: str) -> None:
    if token is not None:
        a_token(**token)

    answer = operator.post(AUTHORIZE, {"id_tag": "CARD"})

    assert (answer.status_code, answer.info["status"], answer.info["allowed"]) == (200, status, False)
    assert answer.info["reason"].endswith(".") and answer.info["reason"] in answer.answer["message"]


def test_the_place_counts_when_it_is_given(operator: Caller, garage: ChargePoint) -> None:
    AccessRule.objects.create(token=a_token(), site=garage.site, effect="refuse")

    anywhere = operator.post(AUTHORIZE, {"id_tag": "CARD"})
    there = operator.post(AUTHORIZE, {"id_tag": "CARD", "charge_point_id": "GARAGE 1"})

    assert (anywhere.info["allowed"], there.info["allowed"]) == (True, False)


def test_a_token_that_charges_elsewhere_is_concurrent_and_the_same_connector_is_not_elsewhere(
    operator: Caller, garage: ChargePoint
) -> None:
    charging(garage, a_token())

    asked = [
        operator.post(AUTHORIZE, {"id_tag": "CARD", "charge_point_id": "GARAGE 1", "connector_id": number})
        for number in (1, 2)
    ]

    assert [answer.info["status"] for answer in asked] == ["Accepted", "ConcurrentTx"]


def test_a_group_may_be_full(operator: Caller, garage: ChargePoint, settings: Any) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    charging(garage, a_token("OTHER", group_id="FAMILY"))
    a_token(group_id="family")

    answer = operator.post(AUTHORIZE, {"id_tag": "CARD"})

    assert answer.info["status"] == "ConcurrentTx"


@pytest.mark.parametrize("written", ["aa:bb:cc:00:11:22", "VID:AABBCC001122"])
def test_the_type_selects_the_token(operator: Caller, written: str) -> None:
    a_token("VID:AABBCC001122", type="OTHER")

    vehicle = operator.post(AUTHORIZE, {"id_tag": written, "type": "VEHICLE"})
    card = operator.post(AUTHORIZE, {"id_tag": "VID:AABBCC001122", "type": "RFID"})

    assert (vehicle.info["status"], card.info["status"]) == ("Accepted", "Invalid")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "id_tag"),
        ({"id_tag": " "}, 400, "id_tag"),
        ({"id_tag": "X", "type": "CARD"}, 400, "type"),
        ({"id_tag": "X", "type": "VEHICLE"}, 400, "id_tag"),
        ({"id_tag": "X", "connector_id": 0}, 400, "connector_id"),
        ({"id_tag": "X", "idTag": "X"}, 400, "idTag"),
        ({"id_tag": "X", "charge_point_id": "NOBODY"}, 404, ""),
    ],
)
def test_bad_input_names_its_field(operator: Caller, body: dict[str, Any], status: int, field: str) -> None:
    answer = operator.post(AUTHORIZE, body)

    assert answer.status_code == status
    assert field in str(answer.info)


def test_keys_follow_the_setting_when_it_changes(db: None, settings: Any) -> None:
    token, same = a_token("04:A2:B3"), a_token("04A2B3", type="APP_USER")
    twin = a_token("04-A2-B3")

    settings.OCPP_TOKEN_NORMAL_FORM = True
    renewed = token_keys.renew()
    for row in (token, same, twin):
        row.refresh_from_db()
    keys = [row.uid_key for row in (token, same, twin)]
    settings.OCPP_TOKEN_NORMAL_FORM = False
    back = token_keys.renew()
    token.refresh_from_db()

    assert (renewed, keys) == (1, ["04a2b3", "04a2b3", "04-a2-b3"])
    assert (back, token.uid_key) == (1, "04:a2:b3")


# -- on the wire ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    running = LiveServer(tmp_path_factory.mktemp("authorization"), template=migrated_database).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text("utf-8", "replace")


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_remote_start_of_a_refused_token_is_409_with_the_reason_unless_forced(
    server: LiveServer, version: str
) -> None:
    import asyncio

    name = f"REMOTE-{version}"
    station = Station(name, version, server.ocpp)
    await station.start()

    async def start(**more: Any) -> tuple[int, Any]:
        body = {"clientId": name, "idTag": f"BAD-{version}"[:20], "connectorId": 1, **more}
        return await asyncio.to_thread(server.request, "POST", "/api/v1/transactions/remote-start", body)

    token = {"uid": f"BAD-{version}"[:20], "status": "blocked"}
    await asyncio.to_thread(server.request, "POST", "/api/v1/tokens", token)
    refused, forced, unknown = await start(), await start(force=True), await start(idTag="NOBODY")
    await station.stop()

    assert refused[0] == 409
    assert refused[1]["message"] == "The token may not charge here: The token is blocked."
    assert (forced[0], unknown[0]) == (200, 200)
