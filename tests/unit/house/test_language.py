"""Comments, docstrings and pages are in plain English: at most 2 % break a rule of `language.py`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.servers import ROOT
from tests.unit.house.language import Unit, files, units

PAGES_LIMIT = 0.02
CODE_LIMIT = 0.02

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    "bench/README.md",
    "clients/README.md",
    "k8s",
    "observability",
    "docker-compose.yml",
    "Dockerfile",
    ".env.example",
    "ocpp_server/environment",
)
CODE = (
    "accounts",
    "aggregates",
    "bench",
    "chargepoints",
    "clients",
    "configuration",
    "events",
    "conftest.py",
    "manage.py",
    "ocpp_server",
    "operations",
    "run.py",
    "scripts",
    "simulator",
    "smart_charging",
    "tariffs",
    "certificates",
    "alerts",
    "sandbox",
    "tests",
    "transactions",
)


def read(roots: tuple[str, ...]) -> list[Unit]:
    return [unit for path in files(ROOT / root for root in roots) for unit in units(path)]


def report(bad: list[Unit], total: int) -> str:
    """The offenders by file, the worst file first."""
    by_file: dict[Path, list[Unit]] = defaultdict(list)
    for unit in bad:
        by_file[unit.path].append(unit)
    lines = [f"{len(bad)} of {total} texts break a rule ({100 * len(bad) / total:.1f} %):"]
    for path, found in sorted(by_file.items(), key=lambda item: -len(item[1])):
        lines.append(f"{path.relative_to(ROOT)}: {len(found)}")
        lines += [f"    {unit.line}: [{', '.join(unit.faults)}] {unit.text[:100]}" for unit in found]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("roots", "limit"), [(PAGES, PAGES_LIMIT), (CODE, CODE_LIMIT)], ids=["pages", "code"]
)
def test_texts_are_in_plain_english(roots: tuple[str, ...], limit: float) -> None:
    found = read(roots)
    bad = [unit for unit in found if unit.faults]

    assert len(found) > 100
    assert len(bad) <= limit * len(found), report(bad, len(found))


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("What is left is written.", False),
        ("Who decides?", True),
        ("That is why the lease expires.", True),
        ("Those that wait share the result.", False),
        ("A caller is told the result.", False),
        ("The process ends; nobody waits.", False),
        ("`nobody` is a user of the system.", True),
        ("Two makes can be told apart by their ids.", True),
        ("The writer thread reports its timeout. Who waits gets the error.", False),
        ("The oldest one is deleted. What is the limit?", True),
        ("The processor handles the message in hand.", False),
        ("The processor handles it in handlers.", True),
        ("Callers that arrive while it runs share its result.", True),
    ],
)
def test_the_rules_find_a_fault_in_a_sentence(text: str, is_plain: bool) -> None:
    assert (not Unit(Path("page.md"), 1, text, "paragraph").faults) is is_plain
