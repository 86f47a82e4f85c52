"""The state of a desired value, by what the station has reported and answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from chargepoints.models import ChargePoint, Site
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
        ("A,B", "A,B,", False),
        ("TRUE,2", "true, 02", True),
        ("False", "FALSE", True),
        ("true", "false", False),
        ("Yes", "yes", False),
        ("+5", "5", True),
        ("-5", "-05", True),
        ("-5", "5", False),
        ("0" * 17 + "1", "1", True),
        ("0" * 18 + "1", "1", False),  # no number: as long as a digest
        ("1.0", "1", False),
        ("5A", "05A", False),
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


def test_a_boot_at_the_moment_of_the_answer_is_not_after_it() -> None:
    now = judge(Seen("60", False, LATER), before=State.PENDING_REBOOT, answered_at=NOON, booted_at=NOON)

    assert now == State.PENDING_REBOOT


def test_a_value_that_waits_for_a_reboot_and_is_not_reported_keeps_waiting() -> None:
    assert judge(None, before=State.PENDING_REBOOT, answered_at=NOON, booted_at=LATER) == State.PENDING_REBOOT


@pytest.mark.parametrize("before", [State.PENDING_REBOOT, State.DIFFERS])
def test_only_an_answer_makes_a_value_wait_for_a_reboot(before: State) -> None:
    answered_at = None if before == State.PENDING_REBOOT else NOON

    assert judge(Seen("5", False, NOON), before=before, answered_at=answered_at) == State.DIFFERS


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


def test_all_states_or_those_of_some_keys_are_computed_by_what_is_known_of_the_station(
    garage: ChargePoint,
) -> None:
    for key in ("Gone", "Interval"):
        want(garage, key)
        row = {"value": "60", "readonly": False, "reported_at": NOON}
        ReportedKey.objects.create(charge_point=garage, key=key.upper(), **row)
    ReportedKey.objects.filter(key="GONE").update(reported_at=BEFORE)
    want(garage, "Waits", state=State.PENDING_REBOOT, answered_at=BEFORE)
    ReportedKey.objects.create(charge_point=garage, key="Waits", value="5", reported_at=LATER)
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    want(elsewhere, "Elsewhere")
    ReportedKey.objects.create(charge_point=elsewhere, key="Elsewhere", value="60", reported_at=NOON)
    ConfigurationState.objects.filter(pk=garage.pk).update(whole_at=NOON, booted_at=LATER)

    drift.refresh(garage.pk, [])
    nothing = [state(key)[0] for key in ("Gone", "Interval", "Waits")]
    drift.refresh(garage.pk, ["gone"])
    one = [state(key)[0] for key in ("Gone", "Interval", "Waits")]
    drift.refresh(garage.pk)

    assert nothing == [State.NOT_REPORTED, State.NOT_REPORTED, State.PENDING_REBOOT]
    assert one == [State.UNKNOWN_KEY, State.NOT_REPORTED, State.PENDING_REBOOT]
    assert [state(key)[0] for key in ("Gone", "Interval", "Waits")] == [
        State.UNKNOWN_KEY,
        State.SAME,
        State.DIFFERS,
    ]
    assert state("Elsewhere")[0] == State.NOT_REPORTED


def test_a_report_of_a_station_without_a_state_decides_too(garage: ChargePoint) -> None:
    ConfigurationState.objects.all().delete()
    want(garage)

    report(garage, Interval="60")

    assert state() == (State.SAME, "")


def test_a_report_ends_the_reason_of_a_refusal(garage: ChargePoint) -> None:
    want(garage, state=State.REFUSED, reason="Why")
    want(garage, "Other", state=State.REFUSED, reason="Why")

    report(garage, Interval="60", Other="5")

    assert (state(), state("Other")) == ((State.SAME, ""), (State.REFUSED, "Why"))


def test_an_unchanged_state_is_not_stored_again(garage: ChargePoint) -> None:
    row = want(garage, state=State.SAME)

    report(garage, Interval="60")

    assert DesiredValue.objects.get().updated_at == row.updated_at


def test_an_unchanged_state_does_not_end_the_refresh(garage: ChargePoint) -> None:
    want(garage, state=State.SAME)
    want(garage, "Other")

    report(garage, Interval="60", Other="60")

    assert state("Other") == (State.SAME, "")


def test_a_changed_state_has_its_time(garage: ChargePoint) -> None:
    want(garage)
    DesiredValue.objects.update(updated_at=BEFORE)

    report(garage, Interval="60")

    assert datetime.now(UTC) - DesiredValue.objects.get().updated_at < timedelta(minutes=1)


def test_the_state_of_a_value_that_was_changed_meanwhile_is_not_stored(garage: ChargePoint) -> None:
    row = want(garage)
    DesiredValue.objects.update(value="7")

    drift._set(row, State.SAME, "")

    assert state() == (State.NOT_REPORTED, "")


def test_the_event_of_drift_names_the_site_and_the_first_40_changes(garage: ChargePoint) -> None:
    garage.site = Site.objects.create(name="Depot")
    garage.save()
    for number in range(41):
        want(garage, f"K{number:02}")

    report(garage, **{f"K{number:02}": "5" for number in range(41)})

    (event,) = Event.objects.filter(type="configuration.drifted")
    data = orjson.loads(event.data)
    assert (event.site_id, data["count"], len(data["changes"])) == (garage.site.pk, 41, 40)


def test_a_value_that_a_station_does_not_tell_differs(garage: ChargePoint) -> None:
    want(garage)
    reported._store(garage.pk, {"Interval": (None, False)}, (), NOON)

    (event,) = Event.objects.filter(type="configuration.drifted")
    assert orjson.loads(event.data)["changes"] == [{"key": "Interval", "desired": "60", "reported": None}]


def test_the_last_reports_of_several_stations_are_by_station_and_key(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    third = ChargePoint.objects.create(identity="THIRD")
    ReportedKey.objects.create(charge_point=third, key="Interval", reported_at=NOON)
    rows = [want(garage), want(other)]
    for charge_point, value, readonly in ((garage, "1", True), (other, "2", False)):
        row = {"value": value, "readonly": readonly, "reported_at": NOON}
        ReportedKey.objects.create(charge_point=charge_point, key="INTERVAL", **row)
        ReportedKey.objects.create(charge_point=charge_point, key="Unwanted", reported_at=NOON)

    assert drift.reported_of(rows) == {
        (garage.pk, "interval"): Seen("1", True, NOON),
        (other.pk, "interval"): Seen("2", False, NOON),
    }
    assert drift.reported(rows[:1]) == {"interval": Seen("1", True, NOON)}


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


def test_an_answer_about_another_spelling_of_the_value_decides(garage: ChargePoint) -> None:
    want(garage, state=State.DIFFERS)

    drift.record_answer(garage.pk, "Interval", "060", verdict=Verdict.ACCEPTED, reason="", at=NOON)

    assert state() == (State.SAME, "")


def test_an_answer_about_another_key_or_of_another_station_decides_nothing(garage: ChargePoint) -> None:
    want(garage)
    other = ChargePoint.objects.create(identity="OTHER")

    drift.record_answer(garage.pk, "Other", "60", verdict=Verdict.ACCEPTED, reason="", at=NOON)
    drift.record_answer(other.pk, "Interval", "60", verdict=Verdict.ACCEPTED, reason="", at=NOON)

    assert state() == (State.NOT_REPORTED, "")


def test_a_long_reason_is_cut(garage: ChargePoint) -> None:
    want(garage)

    drift.record_answer(garage.pk, "Interval", "60", verdict=Verdict.REFUSED, reason="r" * 501, at=NOON)

    assert state() == (State.REFUSED, "r" * 500)


@pytest.mark.parametrize(
    ("readonly", "verdict", "now"),
    [
        (True, Verdict.REFUSED, State.READ_ONLY),
        (False, Verdict.REFUSED, State.REFUSED),
        (True, Verdict.UNKNOWN, State.UNKNOWN_KEY),
        (True, Verdict.ACCEPTED, State.SAME),
    ],
)
def test_a_refused_change_of_a_read_only_key_says_so(
    garage: ChargePoint, readonly: bool, verdict: Verdict, now: State
) -> None:
    want(garage)
    reported._store(garage.pk, {"Interval": ("5", readonly)}, (), NOON)

    drift.record_answer(garage.pk, "INTERVAL", "60", verdict=verdict, reason="", at=NOON)

    assert state() == (now, "")


def test_unknown_keys_are_forgotten(garage: ChargePoint) -> None:
    want(garage)
    want(garage, "Other")
    report(garage, Interval="60", Other="1")
    other = ChargePoint.objects.create(identity="OTHER")
    report(other, Interval="60")

    DesiredValue.objects.update(reason="Why")

    drift._unknown(garage.pk, ["INTERVAL"])

    assert state() == (State.UNKNOWN_KEY, "")
    assert state("Other") == (State.DIFFERS, "Why")
    assert list(ReportedKey.objects.order_by("pk").values_list("charge_point", "key")) == [
        (garage.pk, "Other"),
        (other.pk, "Interval"),
    ]
