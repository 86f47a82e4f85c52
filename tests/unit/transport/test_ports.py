"""The ports of the transport: the apps fill them, and the error of an empty port names the missing app."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chargepoints.models import Command
from chargepoints.services import admission as stations
from chargepoints.services import commands, connections
from ocpp_server.ports import Port
from ocpp_server.transport import command_store, quarantine, station_store
from ocpp_server.transport.command_store import State
from ocpp_server.transport.handshake import admission
from transactions.services.transactions import quarantine as kept


def test_the_apps_fill_the_ports() -> None:
    assert command_store.port.app is commands
    assert station_store.port.app is connections
    assert admission.port.app is stations
    assert quarantine.port.app is kept


def test_an_empty_port_raises_an_error_with_a_sentence() -> None:
    port: Port[Any] = Port("CommandStore")

    with pytest.raises(ImproperlyConfigured, match="No installed app provides CommandStore, so load cannot"):
        port.app.load("c1")


def test_a_port_is_filled_by_one_app() -> None:
    port: Port[Any] = Port("CommandStore")
    port.fill(commands)
    port.fill(commands)

    with pytest.raises(ImproperlyConfigured, match="Two apps provide CommandStore"):
        port.fill(connections)

    assert port.app is commands


def test_the_states_of_a_command_are_those_of_its_column() -> None:
    assert [str(state) for state in State] == list(Command.State.values)
