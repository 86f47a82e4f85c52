"""Write docs/alerts.md from the codes.

Run `python3 manage.py alert_docs`; a test compares the page with the codes.
"""

from __future__ import annotations

from pathlib import Path

from alerts.services.codes import CODES, Code
from alerts.services.codes.declaration import Kind, Unit
from alerts.services.words import duration, sized

PAGE = Path(__file__).resolve().parent.parent / "docs" / "alerts.md"

_INTRODUCTION = """\
# Alerts

An alert is one cause that needs an operator: a station that is offline, a faulted connector, a certificate
that ends. It is opened when the condition of a rule has lasted, and resolves by itself when the cause is
over. However often a cause is noticed, it has one alert. Every rule is enabled from the first start.

- Every page of the admin shows the number of open alerts in its head. *Alerts* lists them; the page of a
  station has its own. `GET /api/v1/alerts` returns them (`resolved=false&suppressed=false` are those that
  need attention), and `POST .../acknowledge`, `/snooze`, `/resolve`, `/assign` and `/notes` are what an
  operator does with one. The events `alert.opened`, `alert.escalated`, `alert.acknowledged` and
  `alert.resolved` follow every change (`docs/events.md`).
- *Alert statistics* in the admin and `GET /api/v1/alerts/statistics` show for each month and kind how many
  were opened, and the mean times until someone acknowledged them and until they ended.
- **Acknowledge**: someone works on it. It stays unresolved, and is repeated and escalated no more. An
  acknowledgement lapses after 24 hours, and when the severity rises.
- **Snooze**: nothing is sent until a time.
- **Resolve** by hand: the same cause opens nothing until it was over once, unless its rule says `reopens`.
- Opened again within 15 minutes after its end, an alert is the same row with the next `episode`.
- **Recovering**: the condition is over, for less than the time after which the alert resolves.

## Causes

While an alert of a cause is unresolved, the alerts that it explains exist with `suppression: inhibited`:
nothing is sent about them, and they are not counted in the head. Two minutes after the end of the cause they
count on their own.

| cause | explains |
|---|---|
| `fleet_offline` | `site_offline`, and all below |
| `site_offline` | at its stations: `offline`, and all below |
| `flapping` | `offline` of the station |
| `offline` | of the station: `faulted`, `unavailable`, `stuck_status`, `silent`, `clock_offset`, \
active sessions, its configuration, local list, charging profiles and commands |
| `campaign_failed` | `firmware_failed` of its stations |

Alerts of stations in maintenance have `suppression: maintenance`. These stations do not count for
`site_offline` and `fleet_offline`.

## Rules

A code has one rule for all stations. A copy for a site counts before it, and a copy for a station before
both. The limits are in the admin below *Alert rules* and at `/api/v1/alert-rules`; administrators change
them.

The elected housekeeper judges all rules every `ALERT_INTERVAL`. Each condition is one query over all
stations, on a connection of its own with short limits: a locked table costs one look, and never holds up a
station. After a start of the server nothing opens about stations for `ALERT_WARMUP`. At most 500 alerts of
a code are unresolved; one more counts the others. Resolved alerts are kept for `ALERT_RETENTION`.

## Heartbeat

No server can report its own end. With `ALERT_HEARTBEAT_URL` the elected housekeeper sends a GET request every
60 s to a service such as healthchecks.io, as long as the rules are judged; the service raises the alert when
none comes. A condition that fails for five of its intervals, such as by a query that times out, stops it too.
Set its period to a minute and its grace time to five: after a restart another process is elected first. The
address is a secret and is in no log.

This page is generated from `alerts/services/codes/` by `python3 manage.py alert_docs`.
"""


def page() -> str:
    """The whole page."""
    lines = [
        _INTRODUCTION,
        "## Codes",
        "",
        "| code | severity | opens after | resolves after |",
        "|---|---|---|---|",
    ]
    for code in CODES.values():
        severity = code.severity.value
        if code.critical_after_s is not None:
            severity += f", critical after {duration(code.critical_after_s)}"
        opens = duration(code.for_s) if code.for_s else "at once"
        lines.append(f"| [`{code.name}`](#{code.name}) | {severity} | {opens} | {_end(code)} |")
    for code in CODES.values():
        lines += ["", f"### {code.name}", "", code.condition, "", f"Steps: {code.what_to_do}"]
        if code.parameters:
            lines += ["", "| limit | | default |", "|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.label} | {_shown(each.default, each.unit)} |"
            for each in code.parameters
        ]
    return "\n".join([*lines, ""])


def _end(code: Code) -> str:
    if not code.auto_resolve:
        return "by an operator"
    if code.kind == Kind.OCCURRENCE:
        rest = f"{duration(code.keep_for_s)} without another one"
        return f"{code.ends}, or {rest}" if code.ends else rest
    return duration(code.keep_for_s) if code.keep_for_s else "at once"


def _shown(value: int, unit: Unit) -> str:
    if unit == Unit.SECONDS:
        return duration(value)
    if unit == Unit.BYTES:
        return sized(value)
    if unit == Unit.LEVEL:
        return str(value)
    return f"{value:,} {unit}"
