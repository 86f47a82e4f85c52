"""Import rules between packages, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.unit.house import import_graph

ROOT = Path(__file__).resolve().parents[3]
APPS = (
    "accounts",
    "chargepoints",
    "transactions",
    "configuration",
    "smart_charging",
    "tariffs",
    "certificates",
    "events",
    "aggregates",
    "alerts",
    "sandbox",
)
OURS = (*APPS, "ocpp_server", "operations", "simulator", "bench", "tests")


def modules() -> Iterator[tuple[str, Path]]:
    for package in (*APPS, "ocpp_server", "operations", "simulator"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


def imports(path: Path) -> set[str]:
    """Every module of this project that a file imports at any depth; a name may be a module."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")[: -node.level]
                base = ".".join([*parts, base]) if base else ".".join(parts)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


@cache
def all_imports() -> list[tuple[str, set[str]]]:
    return [(name, imports(path)) for name, path in modules()]


def offenders(
    of: str | tuple[str, ...], forbidden: tuple[str, ...], except_for: tuple[str, ...] = ()
) -> list[str]:
    return [
        f"{name} imports {imported}"
        for name, imported_names in all_imports()
        if name.startswith(of)
        for imported in sorted(imported_names)
        if imported.startswith(forbidden) and not imported.startswith(except_for or ("\0",))
    ]


def test_the_protocol_imports_no_other_package_of_this_project() -> None:
    assert offenders("ocpp_server.protocol", (*APPS, "ocpp_server"), ("ocpp_server.protocol",)) == []


def test_accounts_import_nothing_of_ocpp() -> None:
    assert (
        offenders("accounts", ("chargepoints", "transactions", "configuration", "ocpp_server.protocol")) == []
    )


@pytest.mark.parametrize("app", APPS)
def test_models_import_no_higher_floor(app: str) -> None:
    higher = tuple(
        f"{other}.{floor}"
        for other in APPS
        for floor in (
            "services",
            "handlers",
            "commands",
            "views",
            "serializers",
            "admin",
            "consumers",
        )
    )

    assert offenders(f"{app}.models", higher) == []


@pytest.mark.parametrize("app", APPS)
def test_services_import_no_higher_floor(app: str) -> None:
    higher = tuple(
        f"{other}.{floor}"
        for other in APPS
        for floor in ("handlers", "views", "serializers", "admin", "consumers")
    )

    assert offenders(f"{app}.services", higher) == []


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_only_services_models_and_shared_views_of_another(app: str) -> None:
    """Views share the look-up of a station by its path, and the step from a REST call to an OCPP call."""
    doors = tuple(
        door
        for other in APPS
        if other != app
        for door in (
            f"{other}.services",
            f"{other}.models",
            *(f"{other}.views.{door}" for door in ("found", "lookups", "commanding")),
        )
    )
    others = tuple(other for other in APPS if other != app)
    own = (f"{app}.",)

    found = [line for line in offenders(own, others, doors) if line.rpartition(" ")[2] not in others]

    assert found == []


def test_only_the_calls_and_the_consumers_touch_the_channel_layer() -> None:
    touching = [
        name
        for name, path in modules()
        if "get_channel_layer" in path.read_text() or "channels.layers" in path.read_text()
    ]

    doors = {"ocpp_server.transport.switchboard", "chargepoints.consumers", "ocpp_server.settings"}

    assert set(touching) <= doors


def test_only_the_journal_uses_bulk_sql() -> None:
    users = {name for name, imported in all_imports() if "ocpp_server.storage.bulk.Table" in imported}

    # The station store and the outbox only name the type of a table that an app has.
    doors = {
        "ocpp_server.storage.journal",
        "ocpp_server.storage.unit",
        "ocpp_server.transport.station_store",
        "ocpp_server.events.outbox",
    }

    assert users <= doors | {f"{app}.tables" for app in APPS}


def test_only_the_signer_and_its_commands_import_the_keys_of_our_cas() -> None:
    """A process that serves browsers or stations never loads the code that opens a CA key."""
    users = {
        name
        for name, imported in all_imports()
        if any(one.startswith("certificates.signing") for one in imported)
        and not name.startswith("certificates.signing.")
    }

    assert users == {"certificates.management.commands.pki"}


def test_no_consumer_names_an_action() -> None:
    from ocpp_server.protocol.actions import ACTIONS

    text = (ROOT / "chargepoints" / "consumers.py").read_text()

    assert [name for name in ACTIONS if name in text] == []
    assert len(text.splitlines()) < 150


@cache
def graph() -> dict[str, set[str]]:
    return import_graph.graph(import_graph.files())


def test_the_engine_imports_no_app() -> None:
    """Apps register with the engine. Only the settings and the URLs, which compose apps, may name them."""
    composing = {"settings", "urls", "accounts_settings", "accounts_urls"}
    found = [
        f"{module} imports {imported}"
        for module, targets in graph().items()
        if module.split(".")[0] == import_graph.ENGINE and module.split(".")[-1] not in composing
        for imported in targets
        if imported.split(".")[0] in import_graph.APPS
    ]

    assert found == []


def test_no_two_apps_and_no_two_rooms_of_the_engine_import_each_other() -> None:
    assert import_graph.mutual_imports(graph()) == set()


def test_only_the_simulator_has_an_import_cycle() -> None:
    found = [group for group in import_graph.cycles(graph()) if not group[0].startswith("simulator.")]

    assert found == []


def test_an_import_inside_a_function_has_its_reason_beside_it() -> None:
    found = [
        f"{name}:{line}"
        for name, path in import_graph.files().items()
        for line in import_graph.unexplained(path)
    ]

    assert found == []


def test_an_import_without_a_reason_and_a_cycle_are_found(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f():\n    # Its reason.\n    import a\n    import b\n\n    x = 1\n    import c\n")

    assert import_graph.unexplained(path) == [7]
    assert import_graph.cycles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == [["a", "b"]]
    assert import_graph.mutual_imports(
        {"chargepoints.x": {"accounts.y"}, "accounts.z": {"chargepoints.x"}}
    ) == {("accounts", "chargepoints")}
