"""The reported limits of variables of OCPP 2.x, and values that are set; with the certification's cases."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.device_models import asked, report, reported, variable
from tests.conformance.messages import commanded
from tests.conformance.peer import station

INTERVAL = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "OfflineThreshold"}}
REMOTE = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "AuthorizeRemoteStart"}}
WANTED = {"dataType": "integer", "unit": "s", "minLimit": 10, "maxLimit": 600.5, "supportsMonitoring": True}


def described() -> list[dict]:
    return [
        variable(
            "OCPPCommCtrlr",
            "OfflineThreshold",
            "60",
            attributes=[
                {"type": "Target", "value": "120", "mutability": "ReadOnly"},
                {"type": "MaxSet", "mutability": "WriteOnly", "value": "leaked"},
            ],
            **WANTED,
        ),
        variable("ChargingStation", "Model", "M", mutability="ReadOnly", dataType="string"),
        variable("Vendor", "Unlocking", "1234", mutability="WriteOnly", dataType="string"),
        variable("Clock", "Source", "NTP", dataType="SequenceList", valuesList="Heartbeat,NTP"),
    ]


async def test_TC_B_13_characteristics_and_attributes_are_stored_and_shown(
    server, operator, records, version
):
    async with station(server, version) as peer:
        await report(peer, 5, *described())
        shown = await reported(operator, peer)

    interval = shown["OCPPCommCtrlr.OfflineThreshold"]
    assert {name: interval[name] for name in WANTED} == WANTED
    assert (interval["component"], interval["variable"]) == ("OCPPCommCtrlr", "OfflineThreshold")
    assert (interval["value"], interval["mutability"], interval["readonly"]) == ("60", "ReadWrite", False)
    assert interval["attributes"] == {
        "Target": {"value": "120", "mutability": "ReadOnly"},
        "MaxSet": {"value": None, "mutability": "WriteOnly"},
    }
    assert (shown["ChargingStation.Model"]["mutability"], shown["ChargingStation.Model"]["readonly"]) == (
        "ReadOnly",
        True,
    )
    assert (shown["Vendor.Unlocking"]["value"], shown["Vendor.Unlocking"]["mutability"]) == (
        None,
        "WriteOnly",
    )
    assert shown["Clock.Source"]["valuesList"] == "Heartbeat,NTP"
    stored = records.of("configuration_reportedkey", peer.identity)
    assert {row["value"] for row in stored} == {"60", "M", None, "NTP"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("ChargingStation.Model", "X", "ChargingStation.Model is read-only."),
        ("OCPPCommCtrlr.OfflineThreshold", "9", "must be at least 10."),
        ("OCPPCommCtrlr.OfflineThreshold", "601", "must be at most 600.5."),
        ("OCPPCommCtrlr.OfflineThreshold", "soon", "must be a whole number."),
        ("clock.source", "GPS", "must have only values out of Heartbeat, NTP."),
    ],
)
async def test_TC_B_09_a_value_beyond_the_reported_limits_is_refused_unless_forced(  # noqa: PLR0917
    server, operator, records, key, value, sentence
):
    async with station(server, "ocpp2.0.1") as peer:
        await report(peer, 5, *described())
        path = f"/api/v1/chargepoints/{peer.identity}"
        code, answer = await operator.request(
            "POST", f"{path}/change-configuration", {"key": key, "value": value}
        )
        wished, told = await operator.request("POST", f"{path}/desired-values", {"key": key, "value": value})
        assert records.commands(peer.identity) == []
        forced = {"key": key, "value": value, "force": True}
        result = {"setVariableResult": [INTERVAL | {"attributeStatus": "Rejected"}]}
        _, _, call = await asked(operator, peer, "change-configuration", forced, result)

    assert (code, wished) == (409, 400)
    assert sentence in answer["message"]
    assert sentence in told["data"]["errors"][0]["reason"]
    assert call[3]["setVariableData"][0]["attributeValue"] == value


async def test_TC_B_06_TC_B_07_read_one_variable_and_two(server, operator, records, version):
    async with station(server, version) as peer:
        one = INTERVAL | {"attributeStatus": "Accepted", "attributeValue": "60"}
        two = REMOTE | {"attributeStatus": "Accepted", "attributeValue": "false"}
        body = {"keys": ["OCPPCommCtrlr.OfflineThreshold"]}
        code, alone, call = await asked(
            operator, peer, "get-configuration", body, {"getVariableResult": [one]}
        )
        body = {"keys": [*body["keys"], "AuthCtrlr.AuthorizeRemoteStart"]}
        again, answer, both = await asked(
            operator, peer, "get-configuration", body, {"getVariableResult": [one, two]}
        )

    # Without attributeType: the actual value.
    assert (code, call[2:]) == (200, ["GetVariables", {"getVariableData": [INTERVAL]}])
    assert (again, both[2:]) == (200, ["GetVariables", {"getVariableData": [INTERVAL, REMOTE]}])
    assert [entry["value"] for entry in alone["data"]["configuration"].values()] == ["60"]
    assert [entry["value"] for entry in answer["data"]["configuration"].values()] == ["60", "false"]
    stored = records.of("configuration_reportedkey", peer.identity)
    assert {row["key"]: row["value"] for row in stored} == {
        "OCPPCommCtrlr.OfflineThreshold": "60",
        "AuthCtrlr.AuthorizeRemoteStart": "false",
    }


async def test_TC_B_08_five_variables_are_read_in_messages_of_four(server, operator, records, version):
    names = [
        *(("DeviceDataCtrlr", kind, action) for action in ("GetReport", "GetVariables")
          for kind in ("ItemsPerMessage", "BytesPerMessage")),
        ("AuthCtrlr", "AuthorizeRemoteStart", ""),
    ]  # fmt: skip
    keys = [f"{component}.{name}{f'[{instance}]' if instance else ''}" for component, name, instance in names]
    async with station(server, version) as peer:
        limit = variable("DeviceDataCtrlr", "ItemsPerMessage", "4", instance={"instance": "GetVariables"})
        await report(peer, 7, limit)
        sizes = []
        data = [
            {
                "component": {"name": component},
                "variable": {"name": name} | ({"instance": instance} if instance else {}),
            }
            for component, name, instance in names
        ]
        first = {
            "getVariableResult": [
                one | {"attributeStatus": "Accepted", "attributeValue": "4"} for one in data[:4]
            ]
        }
        last = {"getVariableResult": [data[4] | {"attributeStatus": "Accepted", "attributeValue": "true"}]}

        async def answering() -> None:
            for answer in (first, last):
                call = await peer.next_call()
                sizes.append(call[3]["getVariableData"])
                await peer.answer(call, answer)

        answers = asyncio.create_task(answering())
        code, answer = await operator.request(
            "POST", f"/api/v1/chargepoints/{peer.identity}/get-configuration", {"keys": keys}
        )
        await answers

    assert (code, sizes) == (200, [data[:4], data[4:]])
    assert len(answer["data"]["configuration"]) == 5
    assert len(records.of("configuration_reportedkey", peer.identity)) == 5


async def test_TC_B_10_two_variables_are_set_in_one_message(server, operator, records, version):
    sent = [INTERVAL | {"attributeValue": "123"}, REMOTE | {"attributeValue": "false"}]
    results = [one | {"attributeStatus": "Accepted"} for one in (INTERVAL, REMOTE)]
    async with station(server, version) as peer:
        code, data, call = await commanded(
            operator, peer, "SetVariables", {"setVariableData": sent}, {"setVariableResult": results}
        )

    assert (code, data["status"]) == (200, "Accepted")
    assert call[2:] == ["SetVariables", {"setVariableData": sent}]
    stored = records.of("configuration_reportedkey", peer.identity)
    assert {row["key"]: row["value"] for row in stored} == {
        "OCPPCommCtrlr.OfflineThreshold": "123",
        "AuthCtrlr.AuthorizeRemoteStart": "false",
    }


async def test_TC_B_10_a_template_beyond_the_limits_of_a_station_is_not_sent(server, operator, version):
    """The other value of the template is."""
    async with station(server, version) as peer:
        await report(peer, 5, *described(), variable("AuthCtrlr", "AuthorizeRemoteStart", "true"))
        body = {
            "name": peer.identity,
            "dialect": "2.x",
            "values": {"OCPPCommCtrlr.OfflineThreshold": "5", "AuthCtrlr.AuthorizeRemoteStart": "0"},
        }
        _, made = await operator.request("POST", "/api/v1/configuration/templates", body)
        template = (made["data"].get("template") or made["data"])["id"]
        path = f"/api/v1/configuration/templates/{template}/assignments"
        status, _ = await operator.request("POST", path, {"clientId": peer.identity})
        assert status == 201
        result = {"setVariableResult": [REMOTE | {"attributeStatus": "Accepted"}]}
        _, answer, call = await asked(operator, peer, "apply-configuration", {}, result)

    assert call[3] == {"setVariableData": [REMOTE | {"attributeValue": "0"}]}
    states = {one["key"]: (one["state"], one["reason"]) for one in answer["data"]["desired"]}
    assert states == {
        "AuthCtrlr.AuthorizeRemoteStart": ("same", ""),
        "OCPPCommCtrlr.OfflineThreshold": (
            "refused",
            "OCPPCommCtrlr.OfflineThreshold must be at least 10.",
        ),
    }
