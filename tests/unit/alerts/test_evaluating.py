"""The evaluator: what fails changes nothing, and is judged by the next look."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from alerts.models import Alert, Evaluation
from alerts.services import changes, evaluating, heartbeat
from alerts.services.evaluating import Evaluator
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from tests.unit.alerts.conftest import Watch, a_station, alerts, goes_offline


def test_a_condition_that_fails_keeps_its_alerts_and_lets_the_others_be_judged(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_station(clock_skew_s=90.0)
    goes_offline(a_station("CP-8"))
    watch.after(360)
    assert {one.code for one in alerts()} == {"clock_offset", "offline"}

    def locked(look: Any) -> Any:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setitem(evaluating.CONDITIONS, "offline", locked)
    a_station("CP-9", clock_skew_s=90.0)
    with capture_logs() as logs:
        watch.after(360)

    assert [(one.code, one.state) for one in alerts()] == [
        ("offline", "open"),
        ("clock_offset", "open"),
        ("clock_offset", "open"),
    ]
    assert {line["code"] for line in logs if line["event"] == "alerts.condition_failed"} == {"offline"}


def test_a_look_that_cannot_write_is_skipped(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(evaluating, "_lock", refuse)
    monkeypatch.setattr(evaluating.connection, "close", lambda: None)
    with capture_logs() as logs:
        assert not Evaluator().look()

    assert [line["error"] for line in logs] == ["database is locked"]
    assert Evaluation.objects.get().checked_at is None


def test_a_change_is_stored_with_what_follows_it_or_not_at_all(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_offline(a_station())

    def fail(changed: Any) -> None:
        raise OperationalError("disk full")

    watch.look()
    monkeypatch.setattr(changes, "_listeners", [fail])
    with pytest.raises(OperationalError):
        watch.after(360)
    assert not Alert.objects.exists()
    monkeypatch.setattr(changes, "_listeners", [])
    watch.look()

    assert [one.state for one in alerts()] == ["open"]


def test_what_happens_once_does_not_wait_for_the_warm_up(watch: Watch, settings: Settings) -> None:
    settings.ALERT_WARMUP = 300
    a_station(clock_skew_s=90.0)
    watch.look()
    outbox.emit(events.SECURITY, station="CP-7", **events.SECURITY.example)
    watch.after(30)

    assert [one.code for one in alerts()] == ["security_event"]


def test_two_evaluators_open_one_alert(watch: Watch) -> None:
    other = Evaluator()
    goes_offline(a_station())
    for evaluator in (watch.evaluator, other):
        evaluator.evaluate(now=watch.now, monotonic=watch.monotonic)
    watch.after(360)
    other.evaluate(now=watch.now, monotonic=watch.monotonic)

    assert len(alerts()) == 1


def test_the_time_of_the_last_evaluation_is_stored(watch: Watch) -> None:
    watch.look()

    assert Evaluation.objects.get().checked_at == watch.now


def locked(look: Any) -> Any:
    raise OperationalError("canceling statement due to statement timeout")


def test_conditions_that_go_on_failing_stop_the_heartbeat(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.ALERT_INTERVAL = 30
    watch.look()
    good = dict(evaluating.CONDITIONS)
    for name in good:
        monkeypatch.setitem(evaluating.CONDITIONS, name, locked)
    watch.after(149)
    assert Evaluation.objects.get().checked_at == watch.now
    with capture_logs() as logs:
        watch.after(149)
    (late,) = [line["codes"] for line in logs if line["event"] == "alerts.not_judged"]
    assert "offline" in late and "certificate" not in late
    checked = Evaluation.objects.get().checked_at
    assert checked is not None
    assert not heartbeat.is_alive(checked, watch.now + timedelta(seconds=30))

    for name, condition in good.items():
        monkeypatch.setitem(evaluating.CONDITIONS, name, condition)
    watch.after(60)
    assert Evaluation.objects.get().checked_at == watch.now


def test_a_query_that_times_out_keeps_its_interval(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def times_out(look: Any) -> Any:
        asked.append(look.monotonic)
        locked(look)

    monkeypatch.setitem(evaluating.CONDITIONS, "start_failed", times_out)
    watch.after(30)
    watch.after(30)

    assert asked == [1000, 1060]


def test_a_slow_look_is_no_pause(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator, clock = watch.evaluator, count(1000, 400)
    monkeypatch.setattr(evaluating, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert evaluator.look()
    memory = evaluator._memory
    clock = count(1430, 400)
    assert evaluator.look()

    assert evaluator._memory is memory
