"""No version `if` outside `protocol/` and the two spellings of a command: 2.1 is data (docs/decisions)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (
    "accounts",
    "aggregates",
    "chargepoints",
    "configuration",
    "events",
    "transactions",
    "smart_charging",
    "tariffs",
    "certificates",
    "alerts",
    "sandbox",
    "operations",
    "ocpp_server",
)
NAMES = frozenset({"V16", "V201", "V21", "V2X"})
TEXTS = ("ocpp1.", "ocpp2.", "1.6", "2.0.1", "2.1")


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if parts[:2] != ("ocpp_server", "protocol") and not {"commands", "migrations"} & set(parts[1:2]):
                yield path


def names_a_version(node: ast.expr) -> bool:
    """Return whether an operand is a version: a constant of `versions` or a text."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(names_a_version(item) for item in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.startswith(TEXTS)
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return last in NAMES


def version_ifs(source: str) -> Iterator[int]:
    """The lines that compare something with a version, or branch on one by `match`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(map(names_a_version, (node.left, *node.comparators))):
            yield node.lineno
        if isinstance(node, ast.MatchValue) and names_a_version(node.value):
            yield node.lineno


def test_no_version_if_outside_the_protocol_and_the_spellings_of_commands() -> None:
    """Use THE TABLE (`actions.to_station(version)`) or a property in `protocol.versions` instead."""
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in modules() for line in version_ifs(path.read_text())
    ]

    assert found == []


def test_the_search_finds_every_way_to_compare() -> None:
    code = (
        "station.version == V16\nversion in V2X\nV21 != version\nversion not in (versions.V16, V201)\n"
        'version == "ocpp1.6"\nversion in VERSIONS\nname == "x"\n'
    )

    assert list(version_ifs(code)) == [1, 2, 3, 4, 5]
