"""The state of a desired value, by what the station has reported and answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from configuration.services.variables import drift, reported
from configuration.services.variables.drift import Seen, Verdict, is_same, judged
from events.models import Event

State = DesiredValue.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
BEFORE = NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("desired", "value", "same"),
    [
        ("60", "60", True),
        ("60", " 060 ", True),
        ("60", "61", False),
        ("true", "True", True),
        ("A,B", "A, B", True),
        ("A,B", "B,A", False),
        ("Text", "text", False),
        ("", "", True),
        ("", None, False),
    ],
)
def test_two_spellings_of_one_value_are_the_same(desired: str, value: str | None, same: bool) -> None:
    assert is_same(desired, value) == same


def judge(
    seen: Seen | None,
    *,
    before: State = State.NOT_REPORTED,
    answered_at: datetime | None = None,
    booted_at: datetime | None = None,
    whole_at: datetime | None = None,
) -> State:
    row = DesiredValue(key="A", value="60", state=before, answered_at=answered_at)
    return judged(row, seen, booted_at=booted_at, whole_at=whole_at)


@pytest.mark.parametrize(
    ("seen", "before", "now"),
    [
        (None, State.NOT_REPORTED, State.NOT_REPORTED),
        (None, State.UNKNOWN_KEY, State.UNKNOWN_KEY),
        (Seen("60", False, NOON), State.NOT_REPORTED, State.SAME),
        (Seen("60", True, NOON), State.DIFFERS, State.SAME),
        (Seen("5", False, NOON), State.SAME, State.DIFFERS),
        (Seen(None, False, NOON), State.SAME, State.DIFFERS),
        (Seen("5", True, NOON), State.SAME, State.READ_ONLY),
        (Seen("5", False, NOON), State.REFUSED, State.REFUSED),
        (Seen("60", False, NOON), State.REFUSED, State.SAME),
        (Seen("5", False, NOON), State.UNKNOWN_KEY, State.DIFFERS),
    ],
)
def test_a_report_decides_about_a_desired_value(seen: Seen | None, before: State, now: State) -> None:
    assert judge(seen, before=before) == now


def test_a_key_that_is_missing_among_everything_is_unknown() -> None:
    assert judge(None, whole_at=NOON) == State.UNKNOWN_KEY
    assert judge(Seen("60", False, BEFORE), whole_at=NOON) == State.UNKNOWN_KEY
    assert judge(Seen("60", False, NOON), whole_at=NOON) == State.SAME


@pytest.mark.parametrize("value", ["60", "5"])
@pytest.mark.parametrize(
    ("booted_at", "seen_at", "is_pending"),
    [
        (None, NOON, True),
        (BEFORE, NOON, True),  # the boot before the answer
        (LATER, NOON, True),  # not reported since the boot
        (LATER, LATER, False),
    ],
)
def test_a_value_waits_for_a_reboot_until_a_report_after_it(
    value: str, booted_at: datetime | None, seen_at: datetime, is_pending: bool
) -> None:
    now = judge(
        Seen(value, False, seen_at), before=State.PENDING_REBOOT, answered_at=NOON, booted_at=booted_at
    )

    after = State.SAME if value == "60" else State.DIFFERS
    assert now == (State.PENDING_REBOOT if is_pending else after)


# -- the rows ----------------------------------------------------------------------------------------------


@pytest.fixture
def garage(db: None) -> ChargePoint:
    made = ChargePoint.objects.create(identity="GARAGE", ocpp_version="ocpp1.6")
    ConfigurationState.objects.create(charge_point=made)
    return made


def want(garage: ChargePoint, key: str = "Interval", value: str = "60", **more: object) -> DesiredValue:
    return DesiredValue.objects.create(charge_point=garage, key=key, value=value, **more)


def report(garage: ChargePoint, *, at: datetime = NOON, **values: str) -> None:
    reported._store(garage.pk, {key: (value, False) for key, value in values.items()}, (), at)


def state(key: str = "Interval") -> tuple[str, str]:
    row = DesiredValue.objects.get(key=key)
    return row.state, row.reason


def test_every_report_computes_the_states_of_its_keys_in_any_case(garage: ChargePoint) -> None:
    want(garage)
    want(garage, "Other", "1")

    report(garage, INTERVAL="60")

    assert (state(), state("Other")) == ((State.SAME, ""), (State.NOT_REPORTED, ""))


def test_drift_is_an_event_once(garage: ChargePoint) -> None:
    want(garage)
    report(garage, Interval="60")
    report(garage, Interval="5")
    report(garage, Interval="5")

    (event,) = Event.objects.filter(type="configuration.drifted")
    assert event.station == "GARAGE"
    assert orjson.loads(event.data) == {
        "changes": [{"key": "Interval", "desired": "60", "reported": "5"}],
        "count": 1,
    }


@pytest.mark.parametrize(
    ("verdict", "now"),
    [
        (Verdict.ACCEPTED, State.SAME),
        (Verdict.AFTER_REBOOT, State.PENDING_REBOOT),
        (Verdict.REFUSED, State.REFUSED),
        (Verdict.UNKNOWN, State.UNKNOWN_KEY),
    ],
)
def test_an_answer_decides_about_the_desired_value_that_was_set(
    garage: ChargePoint, verdict: Verdict, now: State
) -> None:
    want(garage, state=State.DIFFERS)

    drift.record_answer(garage.pk, "interval", "60", verdict=verdict, reason="Why", at=NOON)

    assert state() == (now, "Why")
    assert DesiredValue.objects.get().answered_at == NOON


def test_an_answer_about_another_value_decides_nothing(garage: ChargePoint) -> None:
    want(garage, state=State.DIFFERS)

    drift.record_answer(garage.pk, "Interval", "7", verdict=Verdict.REFUSED, reason="", at=NOON)

    assert state() == (State.DIFFERS, "")


def test_a_refused_change_of_a_read_only_key_says_so(garage: ChargePoint) -> None:
    want(garage)
    reported._store(garage.pk, {"Interval": ("5", True)}, (), NOON)

    drift.record_answer(garage.pk, "Interval", "60", verdict=Verdict.REFUSED, reason="", at=NOON)

    assert state() == (State.READ_ONLY, "")


def test_unknown_keys_are_forgotten(garage: ChargePoint) -> None:
    want(garage)
    report(garage, Interval="60", Other="1")
    other = ChargePoint.objects.create(identity="OTHER")
    report(other, Interval="60")

    drift._unknown(garage.pk, ["INTERVAL"])

    assert state() == (State.UNKNOWN_KEY, "")
    assert list(ReportedKey.objects.order_by("pk").values_list("charge_point", "key")) == [
        (garage.pk, "Other"),
        (other.pk, "Interval"),
    ]
