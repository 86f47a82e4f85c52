"""The migration to compressed payloads and its way back, with rows, beside a server of the release before.

That server is a connection that writes the rows which it would write: texts, without the new columns.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.distributed.next_version import output_of
from tests.distributed.old_server import OldServer, an_old_server

pytestmark = pytest.mark.nightly
MESSAGES, EVENTS, FOLLOW_UPS = 3000, 1200, 300
SETUP = """
from datetime import UTC, datetime
from django.core.management import call_command
from django.db import transaction
from chargepoints.models import ChargePoint, FollowUp, Message
from transactions.models import Transaction, TransactionEvent
NOW = datetime.now(UTC)
"""
SEED = f"""
from chargepoints.tables import FOLLOW_UPS, MESSAGES
from transactions.tables import EVENTS
call_command("migrate", verbosity=0)
station = ChargePoint.objects.create(id=1, identity="back")
moments = {{"started_at": NOW, "start_received_at": NOW, "last_message_at": NOW}}
Transaction.objects.create(id=1000, charge_point=station, ocpp_id="T", **moments)
values = {{"charge_point_id": 1, "direction": "in", "action": "DataTransfer", "size": 9, "at": NOW}}
with transaction.atomic():
    MESSAGES.insert([
        MESSAGES.row(values | {{
            "message_id": f"new-{{n}}", "request": '{{"data":"%d"}}' % n, "response": "{{}}",
        }})
        for n in range({MESSAGES})
    ])
    EVENTS.insert([
        EVENTS.row({{
            "transaction_id": 1000, "seq_no": n, "type": "Updated", "fingerprint": n, "at": NOW,
            "received_at": NOW, "payload": '{{"seqNo":%d}}' % n,
        }})
        for n in range({EVENTS})
    ])
    FOLLOW_UPS.insert([
        FOLLOW_UPS.row({{
            "charge_point_id": 1, "action": "NotifyReport", "request_id": 1, "reference": "", "seq_no": n,
            "is_last": False, "status": "", "personal_data": "", "fingerprint": str(n), "received_at": NOW,
            "payload": '{{"seqNo":%d}}' % n,
        }})
        for n in range({FOLLOW_UPS})
    ])
"""
BACK = """
call_command("migrate", "transactions", "0008", verbosity=2)
call_command("migrate", "chargepoints", "0011", verbosity=2)
"""
FORTH = """
call_command("migrate", verbosity=0)
for row in Message.objects.order_by("pk"):
    print("message", row.message_id, row.request, row.response, row.request == row.request_text)
for row in TransactionEvent.objects.order_by("pk"):
    print("event", row.seq_no, row.payload)
for row in FollowUp.objects.order_by("pk"):
    print("follow-up", row.seq_no, row.payload)
"""
OLD_MESSAGE = (
    "INSERT INTO chargepoints_message (charge_point_id, direction, message_id, action, request, response,"
    " error_code, error_description, size, at) VALUES (1, 'in', '{name}', 'DataTransfer', '{text}', '{{}}',"
    " '', '', 9, CURRENT_TIMESTAMP)"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> OldServer:
    return an_old_server(request, tmp_path, OldServer)


async def test_F34_what_was_written_compressed_is_text_again_after_the_way_back(
    database: OldServer,
) -> None:
    await output_of(await database.run(SETUP + SEED))
    database.execute(OLD_MESSAGE.format(name="old", text='{"data":"old"}'))

    back = asyncio.ensure_future(output_of(await database.run(SETUP + BACK)))
    meanwhile = 0
    while not back.done():
        await database.write(OLD_MESSAGE.format(name=f"meanwhile-{meanwhile}", text='{"data":"m"}'))
        meanwhile += 1
        await asyncio.sleep(0.01)
    output = await back

    assert "Unapplying chargepoints.0012_compressed_messages" in output
    assert meanwhile > 10
    stored = dict(database.execute("SELECT message_id, request FROM chargepoints_message"))
    assert len(stored) == MESSAGES + 1 + meanwhile
    assert {stored[f"new-{n}"] for n in range(MESSAGES)} == {f'{{"data":"{n}"}}' for n in range(MESSAGES)}
    assert stored["old"] == '{"data":"old"}'
    payloads = database.execute("SELECT payload FROM transactions_transactionevent ORDER BY id")
    assert payloads == [(f'{{"seqNo":{n}}}',) for n in range(EVENTS)]
    parts = database.execute("SELECT payload FROM chargepoints_followup ORDER BY id")
    assert parts == [(f'{{"seqNo":{n}}}',) for n in range(FOLLOW_UPS)]
    assert all("packed" not in name for name in columns(database))

    shown = (await output_of(await database.run(SETUP + FORTH))).splitlines()

    assert shown.count('message meanwhile-0 {"data":"m"} {} True') == 1
    assert len([line for line in shown if line.startswith("message")]) == len(stored)
    assert 'message new-7 {"data":"7"} {} True' in shown
    assert 'event 1199 {"seqNo":1199}' in shown
    assert 'follow-up 299 {"seqNo":299}' in shown


def columns(database: OldServer) -> list[str]:
    if database.url:
        found = database.execute("SELECT column_name FROM information_schema.columns")
    else:
        found = database.execute(
            "SELECT c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        )
    return [name for (name,) in found]
