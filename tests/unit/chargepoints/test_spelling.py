"""Commands of stations in the words of each version, and the reset that ends sessions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.commands.availability import CHANGE_AVAILABILITY
from chargepoints.commands.data_transfer import DATA_TRANSFER
from chargepoints.commands.display import CLEAR_DISPLAY_MESSAGE
from chargepoints.commands.provisioning import RESET, _danger, _evse, _types
from ocpp_server import command_fields as fields
from ocpp_server.domain import Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V201

SPELLED: list[tuple[Any, dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = [
    (RESET, {"type": "Soft"}, {"type": "Soft"}, {"type": "OnIdle"}),
    (RESET, {"type": "Hard"}, {"type": "Hard"}, {"type": "Immediate"}),
    (RESET, {"type": "OnIdle"}, {"type": "Soft"}, {"type": "OnIdle"}),
    (RESET, {"type": "Immediate"}, {"type": "Hard"}, {"type": "Immediate"}),
    (
        CHANGE_AVAILABILITY,
        {"type": "Operative"},
        {"connectorId": 0, "type": "Operative"},
        {"operationalStatus": "Operative"},
    ),
    (
        CHANGE_AVAILABILITY,
        {"type": "Inoperative", "evse_number": 2},
        {"connectorId": 2, "type": "Inoperative"},
        {"operationalStatus": "Inoperative", "evse": {"id": 2}},
    ),
    (DATA_TRANSFER, {"vendor_id": "v"}, {"vendorId": "v"}, {"vendorId": "v"}),
    (
        DATA_TRANSFER,
        {"vendor_id": "v", "message_id": "m", "data": "text"},
        {"vendorId": "v", "messageId": "m", "data": "text"},
        {"vendorId": "v", "messageId": "m", "data": "text"},
    ),
    (
        DATA_TRANSFER,
        {"vendor_id": "v", "data": {"a": [1]}},
        {"vendorId": "v", "data": '{"a":[1]}'},
        {"vendorId": "v", "data": {"a": [1]}},
    ),
    (CLEAR_DISPLAY_MESSAGE, {"message_id": 5}, None, {"id": 5}),
]


@pytest.mark.parametrize(("command", "arguments", "in_16", "in_2x"), SPELLED)
def test_a_command_in_the_words_of_each_version(
    command: Any, arguments: dict[str, Any], in_16: dict[str, Any] | None, in_2x: dict[str, Any]
) -> None:
    if in_16 is None:
        assert command.spell_16 is None
    else:
        assert command.spell_16(**arguments) == in_16
    assert command.spell_2x(**arguments) == in_2x


def test_only_a_2x_station_can_reset_one_evse() -> None:
    assert RESET.spell_2x is not None
    assert RESET.spell_16 is not None
    assert RESET.spell_2x(type="Soft", evse_number=2) == {"type": "OnIdle", "evseId": 2}

    with pytest.raises(Invalid) as caught:
        RESET.spell_16(type="Soft", evse_number=2)
    assert (caught.value.field, caught.value.code) == ("evseId", Code.NOT_SUPPORTED)


def test_a_reset_that_resumes_is_new_in_21() -> None:
    assert RESET.spell_2x is not None
    assert RESET.spell_16 is not None
    assert RESET.spell_2x(type="ImmediateAndResume") == {"type": "ImmediateAndResume"}

    with pytest.raises(Invalid) as caught:
        RESET.spell_16(type="ImmediateAndResume")
    assert (caught.value.field, caught.value.code) == ("type", Code.NOT_SUPPORTED)


def addressee(version: str) -> Any:
    return SimpleNamespace(ocpp_version=version)


@pytest.mark.parametrize(
    ("version", "kind", "is_dangerous"),
    [
        (V16, "Soft", True),
        (V16, "OnIdle", True),
        (V16, "Hard", True),
        (V201, "Soft", False),
        (V201, "OnIdle", False),
        (V201, "Hard", True),
        (V201, "Immediate", True),
    ],
)
def test_a_reset_that_waits_for_the_end_of_sessions_needs_no_warning(
    version: str, kind: str, is_dangerous: bool
) -> None:
    assert bool(_danger(addressee(version), {"type": kind})) is is_dangerous


def test_the_choices_of_a_reset_depend_on_the_version() -> None:
    kind, evse = RESET.fields
    assert isinstance(kind, fields.Choice)
    assert isinstance(evse, fields.Evse)

    assert _types(kind, addressee(V16)) is kind
    adapted = _types(kind, addressee(V201))
    assert [value for value, _ in adapted.choices] == ["Soft", "Hard"]
    assert [str(label) for _, label in adapted.choices] != [str(label) for _, label in kind.choices]
    assert (_evse(evse, addressee(V16)), _evse(evse, addressee(V201))) == (None, evse)
