"""A file on a floor is named after a block of THE TABLE, every app has one shape, and files are short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocpp_server.protocol.actions import ACTIONS, BLOCKS

ROOT = Path(__file__).resolve().parents[3]
APPS = sorted(
    {path.parent.name for path in ROOT.glob("*/apps.py")} - {"ocpp_server", "operations", "simulator"}
)
CODE = (*APPS, "operations", "ocpp_server", "simulator", "bench")

MOST_LINES = 400

# Services for which OCPP has no action. accounts has no block at all.
SERVICES_WITHOUT_A_BLOCK = {
    "chargepoints/services/asking.py": "sends the commands of any block that have a row of their own",
    "chargepoints/services/admission.py": "answers the handshake, which comes before every action",
    **{
        f"chargepoints/services/campaigns/{name}.py": "a campaign does what is in any block for many stations"
        for name in (
            "__init__",
            "automatic",
            "command",
            "driving",
            "firmware",
            "keeping",
            "kinds",
            "operating",
            "planning",
            "rules",
            "stepping",
        )
    },
    "chargepoints/services/clocks.py": "messages of every block show the station's clock",
    "chargepoints/services/connections.py": "stores connections and the messages of every block",
    "chargepoints/services/commands.py": "commands of every block end here when no answer comes",
    "chargepoints/services/deviations.py": "counts the deviations of messages of every block",
    **{
        f"chargepoints/services/follow_ups/{name}.py": "stores the follow-ups of commands of every block"
        for name in ("__init__", "assembly", "gathering", "keeping", "personal", "recording", "table")
    },
    "chargepoints/services/message_search.py": "searches the messages of every block",
    "chargepoints/services/notes.py": "OCPP has no notes",
    "chargepoints/services/sites.py": "OCPP has no sites",
    "transactions/services/privacy.py": "a person's data in every table; no action asks for it",
}

# The floors of an app. `apps.py`, `urls.py`, `tables.py`, `consumers.py`, `routing.py`, `migrations` and
# `management` have the names that Django, Channels and the journal look for.
FLOORS = frozenset(
    {
        "models", "handlers", "services", "commands", "serializers", "views", "admin", "filters", "live",
        "jobs", "metrics", "apps", "urls", "tables", "consumers", "routing", "migrations", "management",
    }
)  # fmt: skip

# Files beside the floors of an app, each with its reason.
BESIDE_THE_FLOORS = {
    "alerts/docs.py": "docs/alerts.md, made from the codes",
    "alerts/templatetags": "the number of open alerts on every page of the admin",
    "accounts/emaid.py": "the format of contract ids, read by models, services and serializers",
    "accounts/fields.py": "a model field, needed by models and migrations alike",
    "certificates/signing": "the keys of our CAs: the signer process alone imports it",
    "configuration/row_extensions.py": "adds fields of this app to another app's REST lists",
    "transactions/row_extensions.py": "adds fields of this app to another app's REST lists",
}


def files(app: str, floor: str) -> Iterator[tuple[str, Path]]:
    """The first path part of every module on a floor, with the module's path."""
    if (file := ROOT / app / f"{floor}.py").exists():
        yield "", file
    for path in sorted((ROOT / app / floor).rglob("*.py")):
        part = path.relative_to(ROOT / app / floor).parts[0].removesuffix(".py")
        if part != "__init__":
            yield part, path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def answered(path: Path) -> Iterator[str]:
    """The actions that a module registers with @on and @reply."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            for call in node.decorator_list:
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in {"on", "reply"}
                ):
                    action = call.args[0]
                    assert isinstance(action, ast.Constant), f"{named(path)}: write the action as a text"
                    yield str(action.value)


def sent(path: Path) -> Iterator[str]:
    """The CSMS-initiated actions that a module names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            row = ACTIONS.get(node.value)
            if row is not None and row.is_to_station:
                yield row.name


@pytest.mark.parametrize("floor", ["handlers", "commands"])
@pytest.mark.parametrize("app", APPS)
def test_handlers_and_commands_are_named_after_a_block_of_their_app(app: str, floor: str) -> None:
    strangers = [named(path) for part, path in files(app, floor) if BLOCKS.get(part) != app]

    assert strangers == []


@pytest.mark.parametrize("app", APPS)
def test_services_are_named_after_a_block_of_their_app_where_an_action_exists(app: str) -> None:
    if app not in BLOCKS.values():
        pytest.skip("an app without a block")

    strangers = [named(path) for part, path in files(app, "services") if BLOCKS.get(part) != app]

    assert sorted(set(strangers) - set(SERVICES_WITHOUT_A_BLOCK)) == []


def test_every_exception_is_needed() -> None:
    listed = (*SERVICES_WITHOUT_A_BLOCK, *BESIDE_THE_FLOORS)

    assert [path for path in listed if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("app", APPS)
def test_a_handlers_module_answers_actions_of_its_block_alone(app: str) -> None:
    """A module may react (@also, @after) to any action."""
    strangers = [
        f"{named(path)}: {action} belongs to {ACTIONS[action].block}"
        for part, path in files(app, "handlers")
        for action in answered(path)
        if ACTIONS[action].block != part
    ]

    assert strangers == []


@pytest.mark.parametrize("app", APPS)
def test_a_commands_module_sends_actions_of_its_block_alone(app: str) -> None:
    strangers = [
        f"{named(path)}: {action} belongs to {ACTIONS[action].block}"
        for part, path in files(app, "commands")
        for action in sent(path)
        if ACTIONS[action].block != part
    ]

    assert strangers == []


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_one_shape(app: str) -> None:
    names = {
        path.name
        for path in (ROOT / app).iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    }

    beside = {f"{app}/{name}" for name in names - {"__init__.py"} if name.removesuffix(".py") not in FLOORS}

    assert sorted(beside - set(BESIDE_THE_FLOORS)) == []


def test_no_file_has_more_than_400_lines() -> None:
    long = {
        named(path): count
        for package in CODE
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > MOST_LINES
    }

    assert long == {}
