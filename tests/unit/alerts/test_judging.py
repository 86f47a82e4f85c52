"""The judgement of one look: pure, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from alerts.models import Alert, AlertRule, Severity
from alerts.services.findings import Finding, Found
from alerts.services.judging import Pending, Verdicts, judge
from alerts.services.rulebook import Rulebook
from tests.unit.alerts.conftest import NOON

CODE = "faulted"


def finding(key: str = "faulted:CP-7:1:1", **more: Any) -> Finding:
    return Finding(code=more.pop("code", CODE), key=key, title="Connector 1 of CP-7 is faulted", **more)


def an_alert(**columns: Any) -> Alert:
    usual = {"code": CODE, "key": "faulted:CP-7:1:1", "severity": "warning", "state": "open"}
    return Alert(**{**usual, "opened_at": NOON, "last_seen_at": NOON, **columns})


def rule(**columns: Any) -> AlertRule:
    usual = {"code": CODE, "severity": "warning", "for_s": 120, "keep_for_s": 60}
    return AlertRule(pk=1, **{**usual, **columns})


def judged(
    *found: Finding,
    at: float = 0,
    unresolved: Sequence[Alert] = (),
    pending: Pending | None = None,
    rules: Sequence[AlertRule] = (),
    code: str = CODE,
    **more: Any,
) -> Verdicts:
    return judge(
        code,
        Found(list(found), is_complete=more.pop("is_complete", True)),
        unresolved=unresolved,
        muted=more.pop("muted", ()),
        rules=Rulebook(rules or [rule()]),
        pending=pending or Pending(),
        now=NOON + timedelta(seconds=at),
        monotonic=at,
        **more,
    )


def opened(verdicts: Verdicts) -> list[str]:
    return [each.finding.key for each in verdicts.openings]


def test_a_condition_must_last_without_a_gap() -> None:
    pending = Pending()

    assert opened(judged(finding(), at=0, pending=pending)) == []
    assert opened(judged(at=60, pending=pending)) == []
    assert opened(judged(finding(), at=90, pending=pending)) == []
    assert opened(judged(finding(), at=209, pending=pending)) == []
    assert opened(judged(finding(), at=210, pending=pending)) == [finding().key]


def test_a_finding_may_need_longer_than_its_rule() -> None:
    pending = Pending()
    slow = finding(for_s=600)

    judged(slow, pending=pending)

    assert opened(judged(slow, at=599, pending=pending)) == []
    assert opened(judged(slow, at=600, pending=pending)) == [slow.key]


def test_during_the_warm_up_time_counts_and_nothing_opens() -> None:
    pending = Pending()

    judged(finding(), pending=pending, may_open=False)
    assert opened(judged(finding(), at=200, pending=pending, may_open=False)) == []
    assert opened(judged(finding(), at=230, pending=pending)) == [finding().key]


def test_the_severity_is_the_highest_of_rule_and_finding_and_never_falls() -> None:
    critical = an_alert(severity="critical")
    at_once = [rule(for_s=0)]

    (opening,) = judged(finding(severity=Severity.CRITICAL), rules=at_once).openings
    assert opening.severity == "critical"
    assert judged(finding(), unresolved=[critical]).updates == []
    (update,) = judged(finding(severity=Severity.CRITICAL), unresolved=[an_alert()]).updates
    assert update.severity == "critical"


def test_an_alert_becomes_critical_with_its_age() -> None:
    rules = [rule(critical_after_s=3600)]

    assert judged(finding(), at=299, unresolved=[an_alert()], rules=rules).updates == []
    (update,) = judged(finding(), at=3480, unresolved=[an_alert()], rules=rules).updates

    assert update.severity == "critical"


def test_an_alert_recovers_before_it_resolves() -> None:
    first = judged(unresolved=[an_alert()])
    assert (len(first.recovering), first.resolved) == (1, [])

    recovering = an_alert(recovering_since=NOON)
    assert judged(at=59, unresolved=[recovering]).resolved == []
    assert judged(at=60, unresolved=[recovering]).resolved == [recovering]
    assert len(judged(finding(), at=59, unresolved=[recovering]).updates) == 1


def test_without_all_rows_nothing_resolves() -> None:
    verdicts = judged(unresolved=[an_alert(recovering_since=NOON)], at=900, is_complete=False)

    assert (verdicts.resolved, verdicts.recovering) == ([], [])


def test_without_all_rows_what_is_pending_stays_for_an_hour() -> None:
    pending = Pending()
    judged(finding(), at=0, pending=pending)
    judged(at=60, pending=pending, is_complete=False)
    assert opened(judged(finding(), at=120, pending=pending)) == [finding().key]

    pending = Pending()
    judged(finding(), at=0, pending=pending)
    judged(at=3601, pending=pending, is_complete=False)
    assert opened(judged(finding(), at=3602, pending=pending)) == []


def test_a_rule_may_leave_the_end_to_operators() -> None:
    verdicts = judged(unresolved=[an_alert()], rules=[rule(auto_resolve=False)], at=9000)

    assert (verdicts.resolved, verdicts.recovering) == ([], [])


def test_what_was_resolved_by_hand_waits_until_its_condition_was_over() -> None:
    at_once = [rule(for_s=0)]
    muted = {finding().key}

    assert opened(judged(finding(), muted=muted, rules=at_once)) == []
    assert judged(finding(), muted=muted, rules=at_once).unmuted == []
    assert judged(muted=muted, rules=at_once).unmuted == [finding().key]
    assert opened(judged(finding(), muted=muted, rules=[rule(for_s=0, reopens=True)])) == [finding().key]


def test_an_occurrence_counts_in_the_open_alert() -> None:
    code = "duplicate_identity"
    alert = an_alert(code=code, key="duplicate_identity:CP-7")
    again = finding(alert.key, code=code, times=3)

    (update,) = judged(again, code=code, unresolved=[alert]).updates

    assert update.finding.times == 3
    assert judged(code=code, unresolved=[alert], at=86_399).resolved == []
    assert judged(code=code, unresolved=[alert], at=86_400).resolved == [alert]


def test_an_occurrence_whose_end_was_reported_resolves() -> None:
    alert = an_alert(code="monitor", key="monitor:CP-7:EVSE.Power#1")
    ended = Found([], ended={alert.key})

    def verdicts(**columns: Any) -> Verdicts:
        book = Rulebook([rule(code="monitor", keep_for_s=86_400, **columns)])
        about: dict[str, Any] = {"unresolved": [alert], "muted": (), "rules": book, "pending": Pending()}
        return judge("monitor", ended, now=NOON, monotonic=0, **about)

    assert verdicts().resolved == [alert]
    assert verdicts(auto_resolve=False).resolved == []


def test_an_occurrence_of_a_code_for_operators_stays_open() -> None:
    alert = an_alert(code="security_event", key="security_event:CP-7:Tamper")

    assert judged(code="security_event", unresolved=[alert], at=10_000_000).resolved == []


def test_more_than_the_limit_are_counted_in_one() -> None:
    pending = Pending()
    many = [finding(f"faulted:CP-{number}") for number in range(503)]

    judged(*many, pending=pending)
    keys = opened(judged(*many, at=120, pending=pending))

    assert len(keys) == 501
    assert keys[0] == "faulted:others"


def test_the_count_of_others_resolves_when_there_is_room() -> None:
    code = "monitor"
    alerts = [an_alert(code=code, key=f"monitor:CP-{number}") for number in range(500)]
    others = an_alert(code=code, key="monitor:others")

    def verdicts(*ended: str, found: Sequence[Finding] = (), **columns: Any) -> list[Alert]:
        book = Rulebook([rule(code=code, for_s=0, keep_for_s=86_400, **columns)])
        about: dict[str, Any] = {"muted": (), "rules": book, "pending": Pending()}
        look = Found(found, ended=ended)
        return judge(code, look, unresolved=[*alerts, others], now=NOON, monotonic=0, **about).resolved

    assert verdicts() == []
    assert verdicts("monitor:CP-7") == [alerts[7], others]
    more = [finding("monitor:CP-600", code=code)]
    assert verdicts("monitor:CP-7", found=more) == [alerts[7]]
    assert others not in verdicts("monitor:CP-7", auto_resolve=False)


def test_a_parameter_that_is_not_stored_has_its_default() -> None:
    rules = Rulebook([rule(code="flapping", parameters={"times": 9, "gone": 1})])

    assert rules.of("flapping").parameters == {"times": 9, "within_s": 1800}
    assert (rules.lowest("flapping", "times"), rules.highest("flapping", "within_s")) == (9, 1800)


def test_a_rule_of_a_code_of_another_version_is_left_out() -> None:
    assert Rulebook([rule(code="of-tomorrow")]).of(CODE).for_s == 120
