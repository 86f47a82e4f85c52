"""Builds the clients: `python -m clients.build python` and `python -m clients.build typescript`.

The source is the OpenAPI document in docs/openapi/, so no server has to run. `--output` names the folder of
the package; without it, the package is in clients/out/. Python needs `openapi-python-client`
(requirements-dev.txt), TypeScript needs `npm` and its registry.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from ocpp_server import __version__

HERE: Final = Path(__file__).resolve().parent
DOCUMENT: Final = HERE.parent / "docs" / "openapi" / f"{__version__}.json"


def build_python(output: Path, document: Path = DOCUMENT) -> Path:
    """Write a package `ocpp_server_client` that pip can install. Raises CalledProcessError."""
    command = [
        *(sys.executable, "-m", "openapi_python_client", "generate"),
        *("--path", str(document), "--output-path", str(output), "--overwrite"),
        *("--config", str(HERE / "python.yml"), "--meta", "setup", "--fail-on-warning"),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - our own arguments
    return output


def build_typescript(output: Path, document: Path = DOCUMENT) -> Path:
    """Write an npm package with types, compiled to JavaScript. Raises CalledProcessError."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed.")
    if output.exists():
        shutil.rmtree(output)
    shutil.copytree(HERE / "typescript", output, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(document, output / "openapi.json")
    for arguments in (("ci", "--no-audit", "--no-fund"), ("run", "generate"), ("run", "build")):
        subprocess.run([npm, *arguments], cwd=output, check=True)  # noqa: S603 - our own arguments
    return output


BUILDERS: Final = {"python": build_python, "typescript": build_typescript}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m clients.build", description="Build a client of the API.")
    parser.add_argument("language", choices=sorted(BUILDERS))
    parser.add_argument("--output", type=Path, help="the folder of the package")
    asked = parser.parse_args()
    output: Path = asked.output or HERE / "out" / asked.language
    output.parent.mkdir(parents=True, exist_ok=True)
    print(BUILDERS[asked.language](output.resolve()))


if __name__ == "__main__":
    main()
