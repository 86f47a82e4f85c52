"""Options of the command line about security: profiles, certificates, contracts and misbehaviour."""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator import pki
from simulator.certificates import CSMS
from simulator.lab_pki import LabPki
from simulator.misbehaviour import Misbehaviour
from simulator.station import Station
from simulator.vehicles import Vehicle

# The arguments of LabPki.contract.
_FAULTS: dict[str, dict[str, Any]] = {
    "expired": {"days": (-9, -1)},
    "forged": {"is_forged": True},
    "revoked": {"is_revoked": True},
}
_SWITCHES = {field.name: field for field in dataclasses.fields(Misbehaviour)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add these options to the parser of the simulator."""
    group = parser.add_argument_group("security")
    group.add_argument(
        "--security",
        type=int,
        choices=(0, 1, 2, 3),
        metavar="PROFILE",
        help="security profile of every station at the start (default: as the URL and the password show)",
    )
    group.add_argument(
        "--client-url",
        metavar="URL",
        help="endpoint that needs a client certificate (profile 3), if it is not that of --url",
    )
    group.add_argument(
        "--root",
        type=_certificate,
        metavar="FILE",
        help="root certificate in PEM by which the stations verify the server",
    )
    group.add_argument(
        "--organization", default="", metavar="NAME", help="organization in the signing requests (CpoName)"
    )
    group.add_argument(
        "--key", default="EC", choices=("EC", "RSA2048", "RSA3072"), help="keys of the stations (default EC)"
    )
    group.add_argument(
        "--ask-for-certificate",
        action="store_true",
        help="a station without a certificate asks for one by itself, and renews it before its end",
    )
    group.add_argument(
        "--contract",
        type=_chain,
        metavar="FILE",
        help="contract certificate with its CAs in PEM: vehicles charge by it instead of by tokens",
    )
    group.add_argument(
        "--contract-root", type=_certificate, metavar="FILE", help="root of --contract in PEM, for hash data"
    )
    group.add_argument("--emaid", help="charge by a contract of a lab PKI that this simulator makes")
    group.add_argument(
        "--contract-fault", choices=_FAULTS, help="the contract of --emaid is one that a server must refuse"
    )
    group.add_argument(
        "--ocsp-port",
        type=int,
        default=0,
        metavar="PORT",
        help="answer OCSP requests about the contract of --emaid on this port of 127.0.0.1",
    )
    group.add_argument(
        "--lab-root",
        type=Path,
        metavar="FILE",
        help="write the root of --emaid, which the server has to trust",
    )
    group.add_argument(
        "--misbehave",
        action="append",
        default=[],
        type=_switch,
        metavar="NAME[=VALUE]",
        help="a fault of every station, such as rejects_certificates or csr_key=weak; may be repeated; "
        f"the names are {', '.join(_SWITCHES)}",
    )


def _chain(name: str) -> tuple[pki.Certificate, ...]:
    """The certificates of a file. Raises ArgumentTypeError."""
    try:
        found = pki.parse(Path(name).read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name} can't be read ({error.strerror})") from None
    if not found:
        raise argparse.ArgumentTypeError(f"{name} has no certificate in PEM")
    return tuple(found)


def _certificate(name: str) -> pki.Certificate:
    found = _chain(name)
    if len(found) > 1:
        raise argparse.ArgumentTypeError(f"{name} has more than one certificate")
    return found[0]


def _switch(text: str) -> tuple[str, Any]:
    """The name and the value of a switch of Misbehaviour. Raises ArgumentTypeError."""
    name, has_value, value = text.partition("=")
    if name not in _SWITCHES:
        raise argparse.ArgumentTypeError(f"there is no switch {name!r}")
    default = Misbehaviour.__dataclass_fields__[name].default
    if default is False:
        if has_value:
            raise argparse.ArgumentTypeError(f"{name} has no value")
        return name, True
    if not value:
        raise argparse.ArgumentTypeError(f"{name} needs a value: {name}=...")
    if name == "missing_triggers":
        return name, frozenset(value.split(","))
    if isinstance(default, str):
        return name, value
    try:
        return name, float(value) if isinstance(default, float) else int(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name} needs a number") from None


def vehicle(options: Mapping[str, Any], lab: LabPki | None) -> Vehicle | None:
    """Return the vehicle of the options, or with a contract of the lab; None without one."""
    if options["contract"]:
        return Vehicle(options["contract"], options["contract_root"])
    return lab.contract(options["emaid"], **_FAULTS.get(options["contract_fault"], {})) if lab else None


def lab(options: Mapping[str, Any]) -> LabPki | None:
    """Return the lab PKI of the options, and write its root where they want it; None without one. Raises
    SystemExit when the file can't be written.
    """
    if not options["emaid"]:
        return None
    port = options["ocsp_port"]
    made = LabPki(ocsp_url=f"http://127.0.0.1:{port}/" if port else "")
    if options["lab_root"]:
        try:
            options["lab_root"].write_text(pki.pem_of([made.root.certificate]))
        except OSError as error:
            raise SystemExit(
                f"--lab-root: {options['lab_root']} can't be written ({error.strerror})."
            ) from None
    return made


def station_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of each Station."""
    return {
        "security_profile": options["security"],
        "urls": {3: options["client_url"]} if options["client_url"] else {},
        "key_kind": options["key"],
        "renews": options["ask_for_certificate"],
        "misbehaviour": Misbehaviour(**dict(options["misbehave"])),
    }


def equip(station: Station, options: Mapping[str, Any]) -> None:
    """Do on site what the options want: install the root and enter the organization."""
    if options["root"] is not None:
        station.certificates.trust(CSMS, options["root"])
    if options["organization"]:
        station.settings.put("organization", options["organization"])
