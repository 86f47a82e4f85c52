"""python -m tests.mutation PATH...: change the code in small ways and list what no test notices."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from tests.mutation import lua
from tests.mutation.measuring import NOTICED, TESTS, run
from tests.mutation.mutants import ROOT


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py test --mutate", description=__doc__.partition(": ")[2])
    parser.add_argument("paths", nargs="+", help="files or folders of the project")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="folders of tests; all without processes")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="tests of a mutant, the quickest first (5 s)"
    )
    parser.add_argument("--only", default="", help="only mutants whose printed line contains this text")
    parser.add_argument(
        "--again", action="store_true", help="only the mutants that the last whole run did not notice"
    )
    parser.add_argument(
        "--sample", type=float, default=0, help="only this many of 100 mutants, chosen at random"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of --sample: the same seed, the same mutants"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--trust",
        action="store_true",
        help="do not run again what was noticed, while its file is unchanged and its test reaches the line",
    )
    return parser


def main() -> int:
    options = parser().parse_args()
    given = [Path(name).resolve() for name in options.paths]
    if all(path.suffix == ".lua" for path in given):
        return lua.main([str(path) for path in given])
    files = [
        str(file.relative_to(ROOT))
        for path in given
        for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))
    ]
    began = time.monotonic()
    total: Counter[str] = Counter()
    for path, results in run(files, options).items():
        counted = Counter(result["outcome"] for result in results)
        total += counted
        for result in results:
            if result["outcome"] not in NOTICED:
                print(f"{result['outcome']}: {result['text']}")
        if results:
            print(f"== {path}: {_score(counted)}", flush=True)
    print(f"== {_score(total)} in {time.monotonic() - began:.0f} s")
    return 0


def _score(counted: Counter[str]) -> str:
    noticed, number = counted["killed"] + counted["timeout"], sum(counted.values())
    rest = ", ".join(f"{count} {name}" for name, count in counted.items() if name not in NOTICED)
    share = 100 * noticed / max(number, 1)
    return f"{noticed} of {number} mutants noticed ({share:.1f} %)" + (f", {rest}" if rest else "")


if __name__ == "__main__":
    raise SystemExit(main())
