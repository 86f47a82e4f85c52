"""Format the results as text."""

from __future__ import annotations

from typing import Any


def _rows(title: str, heads: list[str], rows: list[list[str]]) -> str:
    # A column that no row has a figure for is left out.
    kept = [n for n in range(len(heads)) if n == 0 or any(row[n] != "-" for row in rows)]
    heads, rows = [heads[n] for n in kept], [[row[n] for n in kept] for row in rows]
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


def _us(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _cases(results: dict[str, Any]) -> str:
    texts = []
    for case in results["cases"]:
        rows = [
            [
                name,
                f"{f['per_cpu_second']:.0f}",
                f"{f['us']:.0f}",
                _us(f["postgresql_us"]),
                f"{f['ratio']:.2f}",
                f"{f['ratio_range'][0]:.2f}-{f['ratio_range'][1]:.2f}",
                f"{f['per_second']:.0f}",
                f"{f['cores'] * 100:.0f}",
                "-" if f["batch"] is None else f"{f['batch']:.1f}",
                *(_ms(f["latency"], p) for p in ("p50", "p95", "p99")),
                *(_ms(f["lone"], p) for p in ("p50", "p99")),
                _us(case["disk"].get(name, {}).get("bytes")),
            ]
            for name, f in case["servers"].items()
        ]
        texts.append(_rows(_title(case), _CASE_HEADS, rows))
    checked: dict[str, set[str]] = {}
    for case in results["cases"]:
        for name, text in case["rows"].items():
            checked.setdefault(name, set()).add(text.partition(", ")[2])
    verdicts = [
        f"{name}: {', '.join(found)} in {len(results['cases'])} loads." for name, found in checked.items()
    ]
    disk = [_disk(results["cases"])] if results["cases"][0]["part"] == "speed" else []
    return "\n".join([*texts, *_growth(results["cases"]), *disk, *verdicts, ""])


_CASE_HEADS = [
    "",
    "msg/CPU-s",
    "us/msg",
    "PostgreSQL",
    "x plain",
    "range",
    "msg/s",
    "% core",
    "batch",
    "p50 ms",
    "p95",
    "p99",
    "lone p50",
    "lone p99",
    "B/msg",
]
_LOADS = {"closed": "closed loop", "burst": "bursts of a cycle at once, lone: a Heartbeat meanwhile"}


def _title(case: dict[str, Any]) -> str:
    load = _LOADS.get(case["job"]) or f"{case['rate']} messages a second"
    pinned = "" if case["pinned"] else ", not pinned"
    database = "" if case["database"] == "sqlite" else ", PostgreSQL"
    return f"OCPP {case['version']}, {case['samples']} samples, {load}{pinned}{database}"


def _growth(cases: list[dict[str, Any]]) -> list[str]:
    """How much dearer a message of more samples is, by processor time of all processes."""
    found: dict[Any, dict[int, float]] = {}
    lines = []
    for case in cases:
        load = (case["version"], case["job"], case["rate"], case["pinned"])
        for name, f in case["servers"].items():
            found.setdefault((load, name), {})[case["samples"]] = f["us"] + (f["postgresql_us"] or 0)
    for (load, name), us in found.items():
        if len(us) > 1 and us[min(us)]:
            few, many = min(us), max(us)
            ratio = us[many] / us[few]
            where = f"{load[0]} {load[1]}{'' if load[3] else ', not pinned'}"
            lines.append(f"{where}, {name}: {many} samples cost {ratio:.2f} times as much as {few}.")
    return [*lines, ""] if lines else []


def _disk(cases: list[dict[str, Any]]) -> str:
    """Bytes a message by table: the largest ones, and the outbox, which is not in the sum."""
    rows, shown = [], set()
    for case in cases:
        for name, sizes in case["disk"].items():
            title = f"{case['version']}, {case['samples']} samples, {name}"
            if title in shown:
                continue  # the load makes no difference to the rows
            shown.add(title)
            tables = {
                table: each
                for table, each in sizes["tables"].items()
                if not table.startswith("api_event") and each["rows"] + each["indexes"] >= 1
            }
            largest = ", ".join(
                f"{table.partition('_')[2]} {each['rows']:.0f} + {each['indexes']:.0f}"
                for table, each in list(tables.items())[:5]
            )
            rows.append([title, *(_us(sizes[kind]) for kind in ("bytes", "outbox", "wal")), largest])
    heads = ["", "B/msg", "outbox", "WAL", "tables: rows + indexes"]
    return _rows("Bytes a message on disk, without the outbox", heads, rows)


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


def _reports(results: dict[str, Any]) -> str:
    rows = [
        [
            name,
            f"{f['seconds']:.2f}",
            f"{f['cpu_ms']:.0f}",
            _us(f["us"]),
            *(_ms(f["latency"], p) for p in ("p50", "p99")),
        ]
        for name, f in results["servers"].items()
    ]
    heads = ["", "all in s", "CPU ms a report", "us/msg", "p50 ms", "p99"]
    title = (
        f"{results['stations']} stations report {results['variables']} variables in {results['parts']} parts"
    )
    tables = ", ".join(
        f"{table.partition('_')[2]} {sum(each.values()):.0f}"
        for table, each in list(results["disk"]["tables"].items())[:5]
    )
    return f"{_rows(title, heads, rows)}\nB/msg {results['disk']['bytes']:.0f}: {tables}\n"


def _idle(results: dict[str, Any]) -> str:
    rows = [
        [name, f"{f['kib']:.1f}", f"{f['mib_before']:.0f}", f"{f['mib_after']:.0f}", f"{f['ratio']:.2f}"]
        for name, f in results["servers"].items()
    ]
    heads = ["", "KiB each", "MiB before", "MiB after", "x plain"]
    text = _rows(f"{results['connections']} idle connections", heads, rows) if rows else ""
    if f := results.get("silent"):
        text += (
            f"\n{f['connected']} of {f['stations']} silent stations at two processes with Redis: connected "
            f"in {f['seconds']:.1f} s (a boot: p99 {_ms(f['boot'], 'p99')} ms), {f['kib']:.1f} KiB each, "
            f"{f['mib_after']:.0f} MiB in all. After a restart of both: {f['back']} back after "
            f"{f['back_seconds']:.1f} s, {f['mib_after_restart']:.0f} MiB.\n"
        )
    return text


def _requests(title: str, results: dict[str, Any]) -> str:
    rows = [
        [
            path,
            f"{f['ms']:.1f}",
            f"{f['slowest_ms']:.1f}",
            f"{f['ratio']:.1f}",
            "-" if f["queries"] is None else str(f["queries"]),
            ", ".join(f.get("scans", [])) or "-",
        ]
        for path, f in results.items()
    ]
    return _rows(title, ["", "ms", "slowest", "x /health", "queries", "whole tables"], rows)


def _rest(results: dict[str, Any]) -> str:
    return _requests("REST lists", results)


def _history(results: dict[str, Any]) -> str:
    rows = ", ".join(f"{count} of {model}" for model, count in results["rows_of_readings"].items())
    title = (
        f"{results['sessions']} sessions with six readings of {results['samples']} samples (rows: {rows}), "
        f"and one with {results['chart_readings']}, {results['database']}"
    )
    biggest = sorted(results["bytes"].items(), key=lambda item: -sum(item[1]))[:4]
    sizes = ", ".join(f"{table} {sum(each) / 2**20:.0f} MiB" for table, each in biggest)
    return f"{_requests(title, results['requests'])}\nOn disk: {sizes}. The plans are in the JSON file.\n"


def _alerts(results: dict[str, Any]) -> str:
    where = f"{results['stations']} stations, {results['database']}"
    parts = (("conditions", "Conditions of alerts"), ("lists", "Lists with updated_from, the last hour"))
    tables = []
    for name, title in parts:
        rows = [
            [each, f"{f['ms']:.1f}", f"{f['slowest_ms']:.1f}", str(f["rows"])]
            for each, f in results[name].items()
        ]
        tables.append(_rows(f"{title}: {where}", ["", "ms", "slowest", "found"], rows))
    return "\n".join(tables)


def _scale(results: dict[str, Any]) -> str:
    rows = [
        [
            f"{title}, {size} stations",
            f"{f['per_second']:.0f}",
            _us(f["us"]),
            " + ".join(f"{name.partition(' ')[0]} {_us(share)}" for name, share in f["processes"].items()),
            _us(f["postgresql_us"]),
            _us(f["redis_us"]),
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


_PARTS = {
    **dict.fromkeys(("speed", "paced", "usual", "burst"), _cases),
    "boots": _boots,
    "reports": _reports,
    "idle": _idle,
    "rest": _rest,
    "history": _history,
    "alerts": _alerts,
    "scale": _scale,
}
