"""Format the results as text."""

from __future__ import annotations

from typing import Any


def _rows(title: str, heads: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = []
    for first, *others in [heads, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join([title, "", *lines, ""])


def _ms(latency: dict[str, float], name: str) -> str:
    return f"{latency[name]:.1f}" if latency else "-"


def table(results: dict[str, Any]) -> str:
    """Return a table of every measured part."""
    parts = [part(results[name]) for name, part in _PARTS.items() if name in results]
    machine = results["machine"]
    foot = (
        f"{machine['cores']} cores, Python {machine['python']}, "
        f"load average {machine['load_average']:.1f} before, {machine['load_average_after']:.1f} after."
    )
    return "\n".join([*parts, foot])


def _speed(results: dict[str, Any]) -> str:
    texts = []
    for version, servers in results.items():
        if version == "rows":
            continue
        rows = [
            [
                name,
                f"{f['per_cpu_second']:.0f}",
                f"{f['us']:.0f}",
                f"{f['ratio']:.2f}",
                f"{f['ratio_range'][0]:.2f}-{f['ratio_range'][1]:.2f}",
                f"{f['per_second']:.0f}",
                *(_ms(f["latency"], p) for p in ("p50", "p95", "p99")),
                _ms(f["lone"], "p99"),
            ]
            for name, f in servers.items()
        ]
        heads = ["", "msg/CPU-s", "us/msg", "x plain", "range", "msg/s", "p50 ms", "p95", "p99", "lone p99"]
        texts.append(_rows(f"OCPP {version}, stations in a closed loop", heads, rows))
    return "\n".join([*texts, *(f"{name}: {text}." for name, text in results["rows"].items()), ""])


def _paced(results: dict[str, Any]) -> str:
    rows = [
        [
            f"{version} {name}",
            f"{f['per_second']:.0f}",
            *(_ms(f["latency"], p) for p in ("p50", "p95", "p99", "max")),
            f"{f['ratio']:.2f}",
        ]
        for version, servers in results.items()
        if version not in ("rows", "rate")
        for name, f in servers.items()
    ]
    return _rows(
        f"{results['rate']} messages a second", ["", "msg/s", "p50 ms", "p95", "p99", "max", "x plain"], rows
    )


def _boots(results: dict[str, Any]) -> str:
    rows = [
        [
            name,
            str(f["accepted"]),
            f"{f['seconds']:.2f}",
            *(_ms(f["latency"], p) for p in ("p50", "p99")),
            f"{f['ratio']:.2f}",
        ]
        for name, f in results.items()
        if name not in ("rows", "stations")
    ]
    heads = ["", "Accepted", "all in s", "p50 ms", "p99", "x plain"]
    return _rows(f"{results['stations']} stations connect and boot at once", heads, rows)


def _idle(results: dict[str, Any]) -> str:
    rows = [
        [name, f"{f['kib']:.1f}", f"{f['mib_before']:.0f}", f"{f['mib_after']:.0f}", f"{f['ratio']:.2f}"]
        for name, f in results.items()
        if name != "connections"
    ]
    heads = ["", "KiB each", "MiB before", "MiB after", "x plain"]
    return _rows(f"{results['connections']} idle connections", heads, rows)


def _rest(results: dict[str, Any]) -> str:
    rows = [
        [
            path,
            f"{f['ms']:.1f}",
            f"{f['slowest_ms']:.1f}",
            f"{f['ratio']:.1f}",
            "-" if f["queries"] is None else str(f["queries"]),
        ]
        for path, f in results.items()
    ]
    return _rows("REST lists", ["", "ms", "slowest", "x /health", "queries"], rows)


def _scale(results: dict[str, Any]) -> str:
    def us(value: float | None) -> str:
        return "-" if value is None else f"{value:.0f}"

    rows = [
        [
            f"{title}, {size} stations",
            f"{f['per_second']:.0f}",
            us(f["us"]),
            " + ".join(f"{name.partition(' ')[0]} {us(share)}" for name, share in f["processes"].items()),
            us(f["postgresql_us"]),
            us(f["redis_us"]),
            *(_ms(f["latency"], p) for p in ("p50", "p99")),
            _ms(f["lone"], "p99"),
        ]
        for title, sizes in results.items()
        if title != "rows"
        for size, f in sizes.items()
    ]
    heads = ["", "msg/s", "us/msg", "by process", "PostgreSQL", "Redis", "p50 ms", "p99", "lone p99"]
    checked = [f"{title}: {text}." for title, text in results["rows"].items()]
    return "\n".join([_rows("Several processes, stations in a closed loop", heads, rows), *checked, ""])


_PARTS = {"speed": _speed, "paced": _paced, "boots": _boots, "idle": _idle, "rest": _rest, "scale": _scale}
