"""Answers of stations to a key or variable that is its password: the password, and the verdict on it."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.services.provisioning import passwords
from chargepoints.services.provisioning.passwords import Verdict
from configuration.handlers import variables
from configuration.services.variables import drift, reported
from tests.unit.chargepoints.in_memory import a_station

NEW = "k7Qm2xT9wN4pRb6sCd3V"


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments with which the answers about passwords are taken over. Nothing else is stored."""
    found: list[dict[str, Any]] = []

    async def take(**how: Any) -> None:
        found.append(how)

    def ignore(**how: Any) -> None: ...

    monkeypatch.setattr(passwords, "answered", take)
    monkeypatch.setattr(reported, "store", ignore)
    monkeypatch.setattr(drift, "answered", ignore)
    return found


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("Accepted", Verdict.TAKEN),
        ("RebootRequired", Verdict.UNPROVED),
        ("Rejected", Verdict.REFUSED),
        ("NotSupported", Verdict.REFUSED),
        ("Whatever", Verdict.UNPROVED),
    ],
)
async def test_a_16_station_answers_for_its_key(
    answered: list[dict[str, Any]], word: str, verdict: Verdict
) -> None:
    station = a_station()

    for key in ("AuthorizationKey", "HeartbeatInterval"):
        await variables.configuration_changed(station, {"key": key, "value": NEW}, {"status": word}, "c")

    assert answered == [{"station": station, "value": NEW, "verdict": verdict}]


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("Accepted", Verdict.TAKEN),
        ("RebootRequired", Verdict.UNPROVED),
        ("Rejected", Verdict.REFUSED),
        ("UnknownComponent", Verdict.REFUSED),
        ("UnknownVariable", Verdict.REFUSED),
        ("NotSupportedAttributeType", Verdict.REFUSED),
        ("Whatever", Verdict.UNPROVED),
    ],
)
async def test_a_2x_station_answers_for_its_variable(
    answered: list[dict[str, Any]], word: str, verdict: Verdict
) -> None:
    station = a_station(version="ocpp2.0.1")
    named = [
        {"component": {"name": component}, "variable": {"name": variable}}
        for component, variable in (
            ("OCPPCommCtrlr", "HeartbeatInterval"),
            ("SecurityCtrlr", "BasicAuthPassword"),
        )
    ]
    asked = [{**one, "attributeValue": value} for one, value in zip(named, ("60", NEW), strict=True)]
    results = [
        {**one, "attributeStatus": status} for one, status in zip(named, ("Accepted", word), strict=True)
    ]

    await variables.variables_set(station, {"setVariableData": asked}, {"setVariableResult": results}, "c")

    assert answered == [{"station": station, "value": NEW, "verdict": verdict}]
