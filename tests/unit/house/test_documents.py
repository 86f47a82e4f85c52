"""README.md, CONTRIBUTING.md and docs/ name only files, commands, settings and functions that exist."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands

import run
from ocpp_server.environment import table
from ocpp_server.protocol.actions import ACTIONS
from tests.servers import ROOT

PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "bench" / "README.md",
        ROOT / "clients" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
CODE_PAGES = [ROOT / "docs" / "flow.md", ROOT / "CONTRIBUTING.md"]
SOURCES = (
    "accounts",
    "aggregates",
    "bench",
    "chargepoints",
    "clients",
    "configuration",
    "events",
    "ocpp_server",
    "operations",
    "simulator",
    "smart_charging",
    "tariffs",
    "certificates",
    "alerts",
    "sandbox",
    "transactions",
)

# Files that a running server makes, and example files of the reader.
_OTHERS = ("data/", "bench/results/", "clients/out/", "copy.sqlite3", "/")
# An error code of OCPP, a placeholder, and names from Django.
_OTHER_NAMES = {"NotSupported", "TheAction", "CheckConstraint", "UniqueConstraint"}
# Environment variables of the tests; they are no settings of the server.
_OF_TESTS = {"TEST_REDIS_SERVER", "TEST_REDIS_URL", "TEST_DATABASE_URL"}
_CODE = re.compile(r"```.*?```|`([^`\n]+)`", re.DOTALL)
_ENDINGS = "cfg|html|ini|js|json|lua|md|py|sh|toml|txt|ya?ml"
_PATH = re.compile(rf"(?:[\w.-]+/)*[\w-]+\.(?:{_ENDINGS})|(?:[\w.-]+/)+")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_RUN = re.compile(r"\brun\.py ([a-z][\w-]*)")
_MANAGE = re.compile(r"\b(?:manage\.py|run\.py manage) ([a-z]\w*)")
_SETTING = re.compile(r"\b(?:OCPP|REDIS|DATABASE|DJANGO|TLS|LOG|METRICS|HTTP)_[A-Z_]+\b")
_DOTTED = re.compile(r"\b((?:ocpp_server|chargepoints|transactions|accounts)(?:\.\w+)+):(\w+)")
_NAME = re.compile(r"@?((?:\w+\.)*(\w+))(?:\(.*\))?")


def spans(page: Path) -> list[str]:
    return [found for found in _CODE.findall(page.read_text()) if found]


@cache
def paths() -> frozenset[str]:
    """Every file and folder of this project, by its path from each folder above it."""
    hidden = {".git", ".venv", "node_modules", "__pycache__"}
    found = set()
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if not hidden.intersection(parts):
            slash = "/" if path.is_dir() else ""
            found |= {"/".join(parts[start:]) + slash for start in range(len(parts))}
    return frozenset(found)


@cache
def defined() -> str:
    return "\n".join(path.read_text() for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = {span for span in spans(page) if _PATH.fullmatch(span) and not span.startswith(_OTHERS)}
    linked = {link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()}

    assert named - paths() == set()
    assert linked == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_setting_that_a_page_names_exists(page: Path) -> None:
    code = "\n".join(found[0] for found in _CODE.finditer(page.read_text()))
    ours = set(re.findall(r"python3 run\.py ([a-z][\w-]*)", str(run.__doc__)))
    settings = {row.name for row in table.VARIABLES} | {"DJANGO_SETTINGS_MODULE"}

    assert set(_RUN.findall(code)) - ours == set()
    assert set(_MANAGE.findall(code)) - set(get_commands()) == set()
    assert set(_SETTING.findall(code)) - settings == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_object_that_a_command_line_names_exists(page: Path) -> None:
    named = set(_DOTTED.findall(page.read_text()))

    assert [f"{module}:{name}" for module, name in named if not hasattr(import_module(module), name)] == []


@pytest.mark.parametrize("page", CODE_PAGES, ids=lambda page: page.name)
def test_every_function_and_class_of_the_pages_about_the_code_exists(page: Path) -> None:
    names = set()
    for span in spans(page):
        found = _NAME.fullmatch(span.removeprefix("await "))
        # A single lower-case word is a state, a field or a folder.
        if found and ("." in found[1] or found[1] != found[1].lower() or span.startswith("@")):
            names.add(found[2])
    files = {Path(path).suffix[1:] for path in paths()}
    known = files | set(ACTIONS) | {row.name for row in table.VARIABLES} | _OTHER_NAMES | _OF_TESTS

    missing = [
        name
        for name in sorted(names - known)
        if not re.search(
            rf"^\s*(?:async def|def|class) {name}\b|^\s*{name}\b[^=\n]*=", defined(), re.MULTILINE
        )
    ]

    assert missing == []
