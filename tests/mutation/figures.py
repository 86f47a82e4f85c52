"""The share of mutants that the tests notice, by package: measured, kept and written to docs/testing.md.

python -m tests.mutation.figures                # measure everything; the survivors go into a file
python -m tests.mutation.figures --sample 10    # the same with a tenth of the mutants
python -m tests.mutation.figures --write        # keep the figures, and write the table of docs/testing.md
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation import lua
from tests.mutation.__main__ import parser
from tests.mutation.measuring import NOTICED, run
from tests.mutation.mutants import ROOT, equivalent_lines
from tests.mutation.recording import FOLDER

STORED = Path(__file__).with_name("figures.json")
PAGE = ROOT / "docs" / "testing.md"
BEGIN = "<!-- figures: written by python -m tests.mutation.figures --write -->"
END = "<!-- end of the figures -->"
REPORT = FOLDER / "survivors.txt"

PACKAGES = (
    "ocpp_server/protocol",
    "ocpp_server/storage",
    "ocpp_server/live",
    "ocpp_server/api",
    "ocpp_server/transport",
    *(
        f"{app}/{part}"
        for app in (
            "accounts",
            "chargepoints",
            "configuration",
            "events",
            "smart_charging",
            "tariffs",
            "transactions",
        )
        for part in ("services", "handlers", "commands")
        if (ROOT / app / part).is_dir() or (ROOT / app / f"{part}.py").is_file()
    ),
)
GOAL, GRAVE_GOAL = 90.0, 95.0
# Code whose faults would cost money, security, or the single effect of a message.
GRAVE = {
    "money": (
        "transactions/services/*",
        "transactions/handlers/*",
        "accounts/services/token*",
        "accounts/services/contracts.py",
        "accounts/services/membership.py",
    ),
    "security": (
        "ocpp_server/observability/masking.py",
        "ocpp_server/transport/handshake/*",
        "ocpp_server/api/authentication.py",
        "ocpp_server/api/permissions.py",
        "ocpp_server/api/throttling.py",
        "ocpp_server/rights.py",
        "ocpp_server/bounds/*",
        "accounts/services/api_keys.py",
        "chargepoints/services/provisioning/passwords.py",
        "chargepoints/services/diagnostics/addresses.py",
        "chargepoints/services/firmware/signing.py",
    ),
    "exactly once": (
        "ocpp_server/storage/journal.py",
        "ocpp_server/storage/unit.py",
        "ocpp_server/live/unit_of_work.py",
        "ocpp_server/transport/switchboard.py",
        "ocpp_server/transport/queue/*",
        "ocpp_server/api/idempotency*",
        "accounts/services/idempotent_requests.py",
        "chargepoints/services/campaigns/stepping.py",
        "chargepoints/services/campaigns/driving.py",
    ),
}
SCRIPTS = "Lua scripts"


@dataclass(frozen=True)
class Figure:
    """The mutants of a package or of a grave subject. `equivalent` counts lines, not mutants."""

    mutants: int
    noticed: int
    equivalent: int = 0

    @property
    def share(self) -> float:
        return 100 * self.noticed / self.mutants if self.mutants else 100.0


def doubt(figure: Figure) -> float:
    """By how many percent a figure of a sample may be wrong: twice its standard error."""
    share = figure.share / 100
    return 200 * math.sqrt(max(share * (1 - share), 0.01) / max(figure.mutants, 1))


def goal_of(name: str) -> float:
    return GRAVE_GOAL if name in GRAVE or name == SCRIPTS else GOAL


def rows(only: Sequence[str] = ()) -> list[str]:
    """The rows of the table, or those whose names begin with one of these."""
    names = [*PACKAGES, *GRAVE, SCRIPTS]
    return [name for name in names if not only or name.startswith(tuple(only))]


def files(names: Collection[str]) -> list[str]:
    """All files of these rows."""
    found = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        if name in names
        for path in ((ROOT / name).rglob("*.py") if (ROOT / name).is_dir() else [ROOT / f"{name}.py"])
    }
    for pattern in (each for name, patterns in GRAVE.items() if name in names for each in patterns):
        found |= {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.suffix == ".py"}
    return sorted(found)


def measure(
    sample: float, processes: int, *, trust: bool = False, seconds: float = 5.0, only: Sequence[str] = ()
) -> tuple[dict[str, Figure], list[str]]:
    """The figures of all rows or of `only` some, and a line for each mutant that no test notices."""
    options = parser().parse_args(["-", "--sample", str(sample), "--processes", str(processes)])
    options.trust, options.seconds = trust, seconds
    names = rows(only)
    by_file = run(files(names), options)
    counted = {path: Counter(result["outcome"] for result in results) for path, results in by_file.items()}
    survivors = [
        f"{result['outcome']}: {result['text']}"
        for results in by_file.values()
        for result in results
        if result["outcome"] not in NOTICED
    ]
    figures = {name: _figure(counted, [f"{name}/*", f"{name}.py"]) for name in PACKAGES if name in names}
    figures |= {name: _figure(counted, patterns) for name, patterns in GRAVE.items() if name in names}
    if SCRIPTS not in names:
        return figures, survivors
    scripts = lua.run(*lua.scripts())
    outcomes = Counter(result.outcome for result in scripts)
    noticed = outcomes["killed"] + outcomes["timeout"]
    figures[SCRIPTS] = Figure(noticed + outcomes["survived"], noticed, outcomes["equivalent"])
    survivors += [f"{each.path}:{each.line}: {each.change}" for each in scripts if each.outcome == "survived"]
    return figures, survivors


def _figure(counted: dict[str, Counter[str]], patterns: tuple[str, ...] | list[str]) -> Figure:
    paths = [path for path in counted if any(fnmatch.fnmatch(path, pattern) for pattern in patterns)]
    total: Counter[str] = sum((counted[path] for path in paths), Counter())
    marked = sum(len(equivalent_lines((ROOT / path).read_text())) for path in paths)
    return Figure(sum(total.values()), sum(total[name] for name in NOTICED), marked)


def stored() -> dict[str, Any]:
    return json.loads(STORED.read_text())  # type: ignore[no-any-return]


def table(kept: dict[str, Any]) -> str:
    """The table of docs/testing.md."""
    lines = [
        "Of each package some mutants in 100 were run, chosen at random.",
        "",
        "| package | mutants | in 100 | noticed | goal | marked equivalent | measured |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for name, each in kept.items():
        figure = figure_of(each)
        numbers = f"{figure.share:.1f} % | {goal_of(name):g} % | {figure.equivalent} | {each['date']}"
        lines.append(f"| {name} | {figure.mutants:,} | {each['sample'] or 100:g} | {numbers} |")
    return "\n".join(lines)


def figure_of(kept: dict[str, Any]) -> Figure:
    return Figure(kept["mutants"], kept["noticed"], kept["equivalent"])


def write(figures: dict[str, Figure], sample: float) -> None:
    """Keep the figures, which later runs are compared with, and write them to docs/testing.md."""
    facts = {"date": time.strftime("%Y-%m-%d"), "sample": sample}
    kept = stored() | {
        name: {"mutants": each.mutants, "noticed": each.noticed, "equivalent": each.equivalent}
        | (facts if name != SCRIPTS else facts | {"sample": 0})
        for name, each in figures.items()
    }
    kept = {name: kept[name] for name in rows()}
    STORED.write_text(json.dumps(kept, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(kept)}\n\n{END}{after}")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sample", type=float, default=0, help="only this many of 100 mutants")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--seconds", type=float, default=5.0, help="tests of a mutant, the quickest first")
    asked.add_argument("--trust", action="store_true", help="see run.py test --mutate --help")
    asked.add_argument("--only", nargs="+", default=(), help="only rows whose names begin with one of these")
    asked.add_argument("--write", action="store_true", help="keep the figures")
    options = asked.parse_args()
    figures, survivors = measure(
        options.sample,
        options.processes,
        trust=options.trust,
        seconds=options.seconds,
        only=options.only,
    )
    REPORT.write_text("\n".join(survivors) + "\n")
    for name, figure in figures.items():
        print(f"{name}: {figure.noticed} of {figure.mutants} ({figure.share:.1f} %)")
    print(f"The {len(survivors)} mutants that no test notices are in {REPORT.relative_to(ROOT)}.")
    if options.write:
        write(figures, options.sample)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
