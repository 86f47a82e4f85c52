"""The catalogue: every type has an emitter and an example that fits, and the page is current."""

from __future__ import annotations

import re

import pytest

from ocpp_server.environment import env
from ocpp_server.events import catalogue, docs
from ocpp_server.events.catalogue import (
    alerts,
    campaigns,
    certificates,
    charging,
    firmware,
    reservations,
    revocations,
    smart_charging,
    stations,
    tariffs,
    webhooks,
)
from ocpp_server.events.types import EventType
from tests.servers import ROOT

TYPES = pytest.mark.parametrize("kind", catalogue.EVENTS.values(), ids=lambda kind: kind.name)
CODE = [
    path.read_text("utf-8")
    for package in (
        "accounts",
        "alerts",
        "certificates",
        "chargepoints",
        "configuration",
        "events",
        "ocpp_server",
        "smart_charging",
        "certificates",
        "tariffs",
        "transactions",
    )
    for path in (ROOT / package).rglob("*.py")
    if "catalogue" not in path.parts
]


@TYPES
def test_the_example_fits_the_fields(kind: EventType) -> None:
    assert kind.faults(kind.example) == []
    assert kind.example.keys() == kind.names


@TYPES
def test_the_name_is_a_noun_and_a_past_participle(kind: EventType) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)?", kind.name)
    assert len(kind.name) <= 48
    assert kind.sentence.endswith(".")


@TYPES
def test_a_program_emits_the_type(kind: EventType) -> None:
    """The constant is used as the type of an emission; modules named like their app call it `events`."""
    modules = (
        stations,
        charging,
        reservations,
        smart_charging,
        campaigns,
        firmware,
        revocations,
        tariffs,
        certificates,
        webhooks,
        alerts,
    )
    (module,) = (one for one in modules if kind in one.TYPES)
    (constant,) = (name for name, value in vars(module).items() if value is kind)
    own = module.__name__.rpartition(".")[2]
    names = {
        stations: "(?:stations|events)",
        smart_charging: "events",
        tariffs: "events",
        certificates: "(?:certificates|events)",
        alerts: "events",
    }.get(module, own)
    emission = re.compile(rf"(?:emit|emit_many|add)\(\s*(?:(?:unit|station),\s*)?{names}\.{constant}\b")

    assert any(emission.search(text) for text in CODE)


def test_a_name_is_served_or_waits_for_its_block() -> None:
    assert not catalogue.EVENTS.keys() & catalogue.NOT_YET.keys()


def test_wrong_data_is_named() -> None:
    faults = stations.FIRMWARE.faults({"status": 3, "requestId": None, "more": 1})

    assert faults == [
        "firmware.status_changed: more is not a field",
        "firmware.status_changed: status is 3, not text",
    ]
    assert stations.FIRMWARE.faults({}) == ["firmware.status_changed: status is missing"]


def test_the_page_is_current() -> None:
    assert docs.PAGE.read_text("utf-8") == docs.page(), "run python -m ocpp_server.events.docs"


def test_patterns_choose_types() -> None:
    assert catalogue.matching(["command.*"]) == {"command.finished"}
    with pytest.raises(catalogue.UnknownTypes, match="commands"):
        catalogue.matching(["transaction.*", "commands.*"])


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("EVENT_RETENTION", "2d", "at least 3d"),
        ("EVENT_UPDATE_INTERVAL", "5s", "10s to 900s"),
        ("EVENT_UPDATE_INTERVAL", "1h", "10s to 900s"),
        ("EVENT_OFFLINE_AFTER", "0", "longer than nothing"),
    ],
)
def test_a_wrong_setting_is_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(env.SettingError, match=f"{name}: .*{reason}"):
        env.read({name: value})
