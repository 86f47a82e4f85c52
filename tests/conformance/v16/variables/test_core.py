"""OCPP 1.6 Core: GetConfiguration and ChangeConfiguration as commands of an operator."""

from __future__ import annotations

import json

import pytest

from tests.conformance.messages import commanded
from tests.conformance.peer import station

INTERVAL = {"key": "MeterValueSampleInterval", "readonly": False, "value": "60"}


def reported(records, identity):
    return {row["key"]: row["value"] for row in records.of("configuration_reportedkey", identity)}


async def test_16_019_1_all_keys_are_read_and_stored(server, operator, records):
    other = {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
    async with station(server) as peer:
        code, data, call = await commanded(
            operator, peer, "GetConfiguration", {}, {"configurationKey": [INTERVAL, other]}
        )

    assert (code, call[2:]) == (200, ["GetConfiguration", {}])
    assert data["response"]["configurationKey"] == [INTERVAL, other]
    assert reported(records, peer.identity) == {"MeterValueSampleInterval": "60", "NumberOfConnectors": "2"}


async def test_16_019_2_one_key_is_read_and_an_unknown_one_is_named(server, operator, records):
    asked = {"key": ["MeterValueSampleInterval", "NoSuchKey"]}
    answer = {"configurationKey": [INTERVAL], "unknownKey": ["NoSuchKey"]}
    async with station(server) as peer:
        code, data, call = await commanded(operator, peer, "GetConfiguration", asked, answer)

    assert (code, call[3], data["response"]) == (200, asked, answer)
    assert json.loads(records.command(call[1])["response"]) == answer
    assert reported(records, peer.identity) == {"MeterValueSampleInterval": "60"}


@pytest.mark.parametrize(
    ("value", "word", "state", "stored"),
    [
        ("60", "Accepted", "accepted", {"MeterValueSampleInterval": "60"}),
        ("60", "RebootRequired", "accepted", {"MeterValueSampleInterval": "60"}),
        ("60", "NotSupported", "rejected", {}),
        ("-1", "Rejected", "rejected", {}),
    ],
    ids=["16-021", "16-021 after a reboot", "16-040-1", "16-040-2"],
)
async def test_16_021_16_040_1_2_the_answer_to_a_change_is_shown_and_only_what_is_accepted_is_stored(  # noqa: PLR0917 - a table's columns
    server, operator, records, value, word, state, stored
):
    change = {"key": "MeterValueSampleInterval", "value": value}
    async with station(server) as peer:
        code, data, call = await commanded(operator, peer, "ChangeConfiguration", change, {"status": word})

    assert (code, data["status"], call[2:]) == (200, word, ["ChangeConfiguration", change])
    row = records.command(call[1])
    assert (row["state"], row["status"]) == (state, word)
    assert reported(records, peer.identity) == stored
