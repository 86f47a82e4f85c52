"""The options of the simulator about security: what they make of the stations, and their errors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from simulator import Fleet, pki, security_options
from simulator.certificates import CSMS
from simulator.console import add_arguments
from simulator.lab_pki import LabPki
from simulator.misbehaviour import Misbehaviour

LAB = LabPki()


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ValueError(message)


def options(*words: str) -> dict[str, Any]:
    parser = Parser()
    add_arguments(parser)
    return vars(parser.parse_args(words))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {
        "root": pki.pem_of([LAB.root.certificate]),
        "chain": LAB.contract("DE8AAC1A2B3C4D").pem,
        "empty": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in texts}


def test_the_options_equip_every_station(files: dict[str, str]) -> None:
    found = options(
        *("--security", "2", "--root", files["root"], "--organization", "CPO", "--key", "RSA3072"),
        *("--client-url", "wss://localhost:8443/ocpp", "--ask-for-certificate"),
        *("--misbehave", "csr_key=weak", "--misbehave", "falls_back", "--misbehave", "slow_answers_s=0.5"),
    )

    fleet = Fleet("wss://localhost/ocpp", 2, versions=("1.6",), **security_options.station_options(found))
    for station in fleet.stations:
        security_options.equip(station, found)

    assert [one.network.profile for one in fleet.stations] == [2, 2]
    assert fleet.stations[1].network.urls == {3: "wss://localhost:8443/ocpp"}
    assert fleet.stations[1].certificates.of(CSMS) == [LAB.root.certificate]
    assert fleet.stations[1].settings.text("organization") == "CPO"
    wanted = Misbehaviour(csr_key="weak", falls_back=True, slow_answers_s=0.5)
    assert fleet.stations[1].misbehaviour == wanted


def test_a_vehicle_has_a_given_contract_or_one_of_the_lab(files: dict[str, str], tmp_path: Path) -> None:
    words = ("--contract", files["chain"], "--contract-root", files["root"])
    given = security_options.vehicle(options(*words), None)
    root = tmp_path / "lab-root.pem"
    found = options("--emaid", "DE8AAC1A2B3C4D", "--lab-root", str(root), "--contract-fault", "revoked")
    lab = security_options.lab(found)
    made = security_options.vehicle(found, lab)

    assert given is not None and made is not None
    assert (given.emaid, given.root) == (made.emaid, LAB.root.certificate)
    assert lab is not None and lab.revoked == {made.chain[0].serial_number}
    assert pki.parse(root.read_text()) == [lab.root.certificate]
    assert security_options.lab(options()) is None
    assert security_options.vehicle(options(), None) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--misbehave", "dances"), "there is no switch 'dances'"),
        (("--misbehave", "falls_back=1"), "falls_back has no value"),
        (("--misbehave", "csr_key"), "csr_key needs a value"),
        (("--misbehave", "breaks_downloads=often"), "breaks_downloads needs a number"),
        (("--root", "missing.pem"), "missing.pem can't be read"),
        (("--root", "{empty}"), "has no certificate in PEM"),
        (("--root", "{chain}"), "has more than one certificate"),
        (("--security", "4"), "invalid choice"),
    ],
)
def test_a_wrong_option_is_explained(files: dict[str, str], words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        options(*(word.format(**files) for word in words))
