"""The dashboard, the alerts and their manual name only metrics that exist, and together all of them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from chargepoints.metrics import ConnectedCollector
from events.metrics import WebhookCollector
from ocpp_server.observability.families import SystemCollector
from ocpp_server.observability.fleet import FleetCollector
from ocpp_server.process.metrics import EngineCollector
from ocpp_server.transport.gateway.metrics import GatewayCollector
from ocpp_server.transport.queue.metrics import QueueCollector
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

FOLDER = ROOT / "observability"
MANUAL = ROOT / "docs" / "observability.md"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
# Metrics that Prometheus itself adds to every target.
PROMETHEUS_OWN = {"up"}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\{[^}]*\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_WORD = re.compile(r"(?<![\w.])[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b")
_OPERATORS = {"and", "or", "unless", "bool", "offset"}


def metrics_of(expression: str) -> set[str]:
    """The metrics in a PromQL expression: its words that are no function, label, string or operator."""
    bare = _STRING.sub('""', expression)
    for noise in (_SELECTOR, _RANGE, _GROUPING):
        bare = noise.sub(" ", bare)
    return {word for word in _WORD.findall(bare) if word not in _OPERATORS}


def labels_of(expression: str) -> set[str]:
    """The labels that an expression selects or groups by."""
    grouped = re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", _STRING.sub('""', expression))
    selected = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    return {label.strip() for group in grouped for label in group.split(",")} | set(selected)


def test_the_reader_of_expressions_finds_the_metrics_and_nothing_else() -> None:
    expression = (
        'histogram_quantile(0.99, sum by (le, action) (rate(a_seconds_bucket{role=~"web|x"}[5m])))'
        " > 2 and on (process) time() - max(b_total) offset 5m > 1e3"
    )

    assert metrics_of(expression) == {"a_seconds_bucket", "b_total"}
    assert labels_of(expression) == {"le", "action", "role", "process"}


@cache
def families() -> tuple[Metric, ...]:
    collectors = (
        SystemCollector(),
        EngineCollector(),
        FleetCollector(lambda: False),
        ConnectedCollector(),
        QueueCollector(),
        GatewayCollector(),
        WebhookCollector(),
    )
    return tuple(family for collector in collectors for family in collector.collect())


def exposed() -> set[str]:
    """Every name in a scrape of any role."""
    return {f"{family.name}{suffix}" for family in families() for suffix in SUFFIXES.get(family.type, ("",))}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    return loaded


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    assert len({group["name"] for group in groups}) == len(groups)
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [*panels, *(rule["expr"] for rule in rules())]


def test_every_metric_of_dashboard_and_alerts_exists() -> None:
    named = {name for expression in expressions() for name in metrics_of(expression)}

    assert len(named) > 40
    assert named - exposed() - PROMETHEUS_OWN == set()


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    named = {name for expression in expressions() for name in metrics_of(expression)}
    variables = json.dumps(dashboard()["templating"])

    unseen = {
        family.name
        for family in families()
        if family.name.startswith("ocpp_")
        and not any(f"{family.name}{suffix}" in named for suffix in SUFFIXES.get(family.type, ("",)))
        and family.name not in variables
    }

    assert unseen == set()


def test_every_metric_is_in_the_manual() -> None:
    manual = MANUAL.read_text()

    missing = {
        name
        for family in families()
        if (name := family.name + ("_total" if family.type == "counter" else "")).startswith("ocpp_")
        and f"`{name}`" not in manual
    }

    assert missing == set()


def test_every_label_of_an_expression_exists() -> None:
    ours = {label for family in families() for label in getattr(family, "_labelnames", ())}

    used = {label for expression in expressions() for label in labels_of(expression)}

    assert used - ours - {"le", "job", "instance"} == set()


def test_every_alert_has_a_case_for_promtool() -> None:
    cases = (FOLDER / "alerts_test.yml").read_text()

    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())
    assert [name for name in alerts if name not in cases] == []


def test_no_label_is_one_that_prometheus_sets_itself() -> None:
    """Prometheus would rename a label `job` to `exported_job`, and every rule on it would match nothing."""
    ours = {label for family in families() for label in getattr(family, "_labelnames", ())}

    assert ours & {"job", "instance"} == set()


def test_the_dashboard_has_the_format_of_grafana() -> None:
    board = dashboard()

    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert board["title"] and board["schemaVersion"] >= 36 and "id" not in board
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "role", "process"}
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0, panel["title"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert references and len(set(references)) == len(references)
        assert all(target["expr"] for target in panel["targets"])


def test_every_alert_has_the_fields_for_prometheus_and_a_chapter_in_the_manual() -> None:
    manual = MANUAL.read_text()

    for rule in rules():
        name = rule["alert"]
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, name
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s")), name
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        assert rule["annotations"]["summary"].endswith("."), name
        assert rule["annotations"]["runbook_url"] == f"docs/observability.md#{name.lower()}"
        assert f"### {name}\n" in manual, name
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_example_of_prometheus_settings_loads_the_rules_beside_it() -> None:
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text())

    assert [name for name in settings["rule_files"] if not Path(FOLDER, name).exists()] == []
    assert {job["metrics_path"] for job in settings["scrape_configs"]} == {"/metrics"}
