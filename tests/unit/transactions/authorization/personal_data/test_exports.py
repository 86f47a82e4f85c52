"""The export of a person's data: its values, and their order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Contract, Member, Token, User
from chargepoints.models import BatterySwap, ChargePoint
from tests.direct.accounts import a_contract, a_person, a_token
from tests.direct.reservations import a_reservation
from tests.unit.transactions.authorization.personal_data.sessions import NOON, UID, a_session
from transactions.models import Refusal, Settlement
from transactions.services import privacy

pytestmark = pytest.mark.django_db


def test_an_export_names_every_value_and_no_other_person(alice: User, charger: ChargePoint) -> None:
    contract = a_contract(owner=a_person("Bob"), valid_from=NOON)
    Contract.objects.update(name="Home")
    Member.objects.create(contract=contract, user=alice, role="viewer")
    token = Token.objects.get()
    other = a_token("OTHER", user=a_person("Carol"))
    session = a_session(
        charger, token=token, id_token=UID, evse_number=1, connector_number=2, energy_wh=700,
        meter_start_wh=100, meter_stop_wh=800, stopped_at=NOON, stop_reason="Local",
        authorization_status="Accepted", authorization_reason="R",
    )  # fmt: skip
    Settlement.objects.create(
        transaction=session, fix="ignore", actor="ann", reason="Checked", before={}, after={}, created_at=NOON
    )
    a_session(charger, token=other, id_token="OTHER")
    for who in (token, other):
        Refusal.objects.create(
            charge_point=charger, token=who, id_token=who.uid, purpose="stop", status="Invalid", reason="No.",
            at=NOON,
        )  # fmt: skip
    reserved = a_reservation(charger, token=token, evse_number=1, ended_at=NOON)
    a_reservation(charger, number=816, id_token="OTHER")
    swaps = [
        BatterySwap.objects.create(charge_point=charger, number=5, id_token=uid, in_at=NOON, created_at=NOON)
        for uid in (UID.lower(), "OTHER")
    ]

    document = privacy.export(alice)

    assert timezone.now() - document.pop("exported_at") < timedelta(minutes=5)
    assert document == {
        "person": {
            "id": alice.pk, "username": alice.username, "name": "Alice Example", "first_name": "",
            "last_name": "", "email": "alice@example.com", "phone": "+43 1 234", "language": "de",
            "status": "active", "created_at": alice.created_at, "updated_at": alice.updated_at,
        },
        "contracts": [{
            "contract_id": "C-1", "name": "Home", "type": "individual", "status": "active",
            "valid_from": NOON, "valid_until": None, "member_role": "viewer", "member_status": "active",
            "member_created_at": Member.objects.get(user=alice).created_at,
        }],
        "tokens": [{
            "uid": UID, "type": "RFID", "name": "Alice's card", "visual_number": "NO-4711", "group_id": "",
            "issuer": "", "status": "active", "valid": True, "valid_from": None, "expires_at": None,
            "last_used_at": None, "created_at": token.created_at,
        }],
        "sessions": [{
            "id": session.pk, "id_token": UID, "evse_number": 1, "connector_number": 2, "started_at": NOON,
            "stopped_at": NOON, "meter_start_wh": 100, "meter_stop_wh": 800, "energy_wh": 700,
            "stop_reason": "Local", "authorization_status": "Accepted", "authorization_reason": "R",
            "station": "CP-1",
            "settlements": [{"fix": "ignore", "reason": "Checked", "created_at": NOON}],
        }],
        "refusals": [{
            "at": NOON, "id_token": UID, "purpose": "stop", "status": "Invalid", "reason": "No.",
            "station": "CP-1",
        }],
        "reservations": [{
            "id": reserved.pk, "number": 815, "id_token": UID, "evse_number": 1, "requested_at": NOON,
            "expires_at": NOON, "state": "expired", "reason": "", "ended_at": NOON, "station": "CP-1",
        }],
        "alert_recipients": [],
        "battery_swaps": [{
            "id": swaps[0].pk, "number": 5, "id_token": UID.lower(), "state": "requested", "in_at": NOON,
            "out_at": None, "station": "CP-1",
        }],
    }  # fmt: skip


def test_an_export_is_in_the_order_of_time(alice: User, charger: ChargePoint) -> None:
    a_token("B", user=alice)
    tokens = list(Token.objects.order_by("-pk"))
    for token in tokens:
        a_session(charger, token=token)
        Member.objects.create(contract=a_contract(f"C-{token.pk}"), user=alice)
        Refusal.objects.create(
            charge_point=charger,
            token=token,
            id_token=token.uid,
            purpose="stop",
            status="S",
            reason="R",
            at=NOON,
        )

    document = privacy.export(alice)

    assert [one["uid"] for one in document["tokens"]] == [UID, "B"]
    assert [one["id"] for one in document["sessions"]] == [1000, 1001]
    assert [one["id_token"] for one in document["refusals"]] == ["B", UID]
    assert [one["contract_id"] for one in document["contracts"]] == [f"C-{token.pk}" for token in tokens]
