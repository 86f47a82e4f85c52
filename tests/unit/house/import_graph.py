"""The imports between the modules of this project as a graph, read from the files without an import."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENGINE = "ocpp_server"
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
    "operations",
)
PACKAGES = (*APPS, ENGINE, "simulator")

Graph = Mapping[str, set[str]]


def files() -> dict[str, Path]:
    """Every module by its dotted name; a package stands for its `__init__`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                found[name.removesuffix(".__init__")] = path
    return found


def graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """The modules that each module imports, at any depth of nesting, for type checking too."""
    return {name: set(_imported(path, modules)) - {name} for name, path in modules.items()}


def _imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules else node.module for name in full]
        else:
            continue
        yield from (name for name in names if name in modules)


def package_of(module: str) -> str:
    """The app, or the first-level package or module of the engine."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == ENGINE else parts[0]


def mutual_imports(edges: Graph) -> set[tuple[str, str]]:
    """The pairs of packages that import each other."""
    between = {
        (package_of(module), package_of(imported))
        for module, targets in edges.items()
        for imported in targets
    }
    return {(one, other) for one, other in between if one < other and (other, one) in between}


def cycles(edges: Graph) -> list[list[str]]:
    """The groups of modules that import each other, directly or through others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for imported in edges[module]:
            if imported not in order:
                visit(imported)
                low[module] = min(low[module], low[imported])
            elif imported in stack:
                low[module] = min(low[module], order[imported])
        if low[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in edges:
        if module not in order:
            visit(module)
    return found


def unexplained(path: Path) -> list[int]:
    """The lines of imports inside functions without a comment on the line or above the block."""
    text = path.read_text()
    lines = text.splitlines()
    inner: dict[int, int] = {}
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    inner[node.lineno] = node.end_lineno or node.lineno
    ends = {end: start for start, end in inner.items()}
    found = []
    for line in sorted(inner):
        above = line
        while above - 1 in ends:  # an import on the line above belongs to the same block
            above = ends[above - 1]
        has_reason = any("#" in lines[one - 1] for one in range(above, line + 1))
        if not has_reason and not lines[above - 2].lstrip().startswith("#"):
            found.append(line)
    return found
