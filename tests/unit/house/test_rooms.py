"""A package of ocpp_server imports only packages above it in the list of docs/decisions/0048."""

from __future__ import annotations

import re

from tests.unit.house.test_architecture import ROOT, all_imports

DECISION = ROOT / "docs" / "decisions" / "0048-rooms-and-their-order.md"


def floors() -> dict[str, int]:
    """The place of each package, from the numbered lines of the decision: `1. `environment/` and ...`."""
    lines = re.findall(r"^(\d+)\. ([^:]+):", DECISION.read_text(), re.MULTILINE)
    return {room: int(number) for number, rooms in lines for room in re.findall(r"`(\w+)/`", rooms)}


def test_the_decision_lists_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "ocpp_server").glob("*/__init__.py")}

    assert rooms - {"templatetags"} == set(floors())


def test_a_room_imports_only_rooms_above_it_in_the_list() -> None:
    floor = floors()
    wrong = set()
    for name, imported_names in all_imports():
        for imported in imported_names:
            own, other = (f"{module}...".split(".")[1] for module in (name, imported))
            is_between_rooms = name.startswith("ocpp_server.") and imported.startswith("ocpp_server.")
            if is_between_rooms and own != other and floor.get(other, 0) > floor.get(own, len(floor)):
                wrong.add((own, other))

    assert wrong == set()


def test_rooms_of_one_place_do_not_import_each_other() -> None:
    floor = floors()
    pairs = set()
    for name, imported_names in all_imports():
        for imported in imported_names:
            own, other = (f"{module}...".split(".")[1] for module in (name, imported))
            if own != other and own in floor and floor.get(other) == floor[own]:
                pairs.add((own, other))

    assert {pair for pair in pairs if pair[::-1] in pairs} == set()
