"""The fields that the commands of tariffs share."""

from __future__ import annotations

from typing import Any

from ocpp_server import command_fields as fields
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21
from tariffs.commands.tariff import (
    CHANGE_TRANSACTION_TARIFF,
    CLEAR_TARIFFS,
    GET_TARIFFS,
    SET_DEFAULT_TARIFF,
    UPDATE_COST,
    _evse,
    _session,
    _tariff,
)
from tariffs.services.tariff import checking


def test_a_session_is_required() -> None:
    field = _session()

    assert (type(field), field.argument, field.name) == (fields.Transaction, "transaction", "transactionId")
    assert (str(field.label), field.required) == ("Session", True)
    assert "It must be running." in str(field.help)


def test_a_tariff_is_required_and_its_example_can_be_sent() -> None:
    field = _tariff()

    assert (type(field), field.argument, field.name) == (fields.Object, "tariff", "tariff")
    assert (str(field.label), field.required) == ("Tariff", True)
    assert "TariffType of OCPP 2.1" in str(field.help)
    assert field.example == {
        "tariffId": "day-2026-1",
        "currency": "EUR",
        "energy": {"prices": [{"priceKwh": 0.42}], "taxRates": [{"type": "VAT", "tax": 20}]},
    }
    assert list(checking.problems(field.example)) == []
    schemas.outgoing(V21, "SetDefaultTariff", "request", {"evseId": 0, "tariff": field.example})


def test_an_evse_is_chosen_or_every_evse() -> None:
    field = _evse("Only this one.")

    assert (type(field), field.argument, field.name) == (fields.Evse, "evse_number", "evseId")
    assert (str(field.label), str(field.nothing), field.help) == ("EVSE", "Every EVSE", "Only this one.")
    assert (field.least, field.required, field.default) == (0, False, 0)


def test_the_arguments_have_the_names_of_ocpp() -> None:
    def facts(command: Any) -> dict[str, tuple[Any, ...]]:
        """The name of each argument, whether it is required, and its default."""
        return {one.argument: (one.name, one.required, one.default) for one in command.fields}

    session = {"transaction": ("transactionId", True, None)}
    tariff, evse = {"tariff": ("tariff", True, None)}, {"evse_number": ("evseId", False, 0)}
    assert facts(UPDATE_COST) == session | {"total_cost": ("totalCost", True, None)}
    assert facts(SET_DEFAULT_TARIFF) == tariff | evse
    assert facts(GET_TARIFFS) == evse
    assert facts(CHANGE_TRANSACTION_TARIFF) == session | tariff
    assert facts(CLEAR_TARIFFS) == {
        "tariff_ids": ("tariffIds", False, None),
        "evse_number": ("evseId", False, None),
    }
