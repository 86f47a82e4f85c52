"""The kind "configuration": its arguments, what a station gets, and the result by its desired values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns import kinds
from chargepoints.services.campaigns.kinds import Result
from configuration.commands.variables.campaign import AT_ONCE, CONFIGURATION, judged
from configuration.models import ConfigurationTemplate, DesiredValue, ReportedKey, TemplateAssignment
from configuration.services.variables import desired, templates
from ocpp_server import live
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, Missing, StationOffline
from ocpp_server.protocol.versions import V16, V201
from tests.unit.configuration.commands.answering import AnsweringStation

pytestmark = pytest.mark.django_db(transaction=True)

State, Reason, Value = CampaignStation.State, CampaignStation.Reason, DesiredValue.State
BEGIN = datetime(2026, 5, 4, 12, tzinfo=UTC)
EARLIER, LATER = BEGIN - timedelta(hours=1), BEGIN + timedelta(hours=1)
Online = Callable[..., Awaitable[AnsweringStation]]
Run = Callable[..., Awaitable[Any]]
ACCEPTED: dict[str, Any] = {"status": "Accepted"}


def template(dialect: str = "1.6", **values: str) -> ConfigurationTemplate:
    return templates.create(name="Base", dialect=dialect, values=values or {"A": "60", "B": "60"})


# -- the arguments -------------------------------------------------------------------------------------------


def test_it_is_registered() -> None:
    assert kinds.find("configuration") is CONFIGURATION
    assert str(CONFIGURATION.title) == "Configuration"


@pytest.mark.parametrize("given", [{}, {"awaitReboot": True}, {"templateName": "Other"}])
def test_a_template_is_named_by_its_number(given: dict[str, Any]) -> None:
    number = template().pk

    arguments = CONFIGURATION.check({"templateId": number, **given})

    assert arguments == {"templateId": number, "templateName": "Base", "awaitReboot": True}
    assert CONFIGURATION.masked(arguments) == arguments
    assert CONFIGURATION.sentence(arguments) == "Apply the template Base"
    assert CONFIGURATION.role(arguments) == Role.OPERATOR


def test_a_reboot_need_not_be_awaited() -> None:
    assert not CONFIGURATION.check({"templateId": template().pk, "awaitReboot": False})["awaitReboot"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"z": 1, "a": 1}, ("arguments.a", "Unknown; known are templateId, awaitReboot.")),
        ({}, ("arguments.templateId", "Must be the number of a template.")),
        ({"templateId": "x"}, ("arguments.templateId", "Must be the number of a template.")),
        ({"templateId": 2**70}, ("arguments.templateId", "Must be the number of a template.")),
        ({"templateId": -1}, ("arguments.templateId", "Must be the number of a template.")),
        ({"templateId": 99999}, ("arguments.templateId", "Must be the number of a template.")),
        ({"awaitReboot": 1}, ("arguments.awaitReboot", "Must be true or false.")),
    ],
)
def test_a_refusal_names_the_argument(arguments: dict[str, Any], error: tuple[str, str]) -> None:
    ConfigurationTemplate.objects.create(pk=1, name="First", dialect="1.6")

    with pytest.raises(Invalid) as refused:
        CONFIGURATION.check(arguments)

    assert (refused.value.field, refused.value.sentence) == error


# -- what a station gets -------------------------------------------------------------------------------------


async def begin(one: AnsweringStation, made: ConfigurationTemplate) -> Result | None:
    arguments = {"templateId": made.pk, "templateName": "Base", "awaitReboot": True}
    return await CONFIGURATION.begin(one.row, arguments, actor="campaign 1")


async def report(run_orm: Run, one: AnsweringStation, **values: str) -> None:
    for key, value in values.items():
        row = {"key": key, "value": value, "reported_at": BEGIN, "charge_point": one.row}
        await run_orm(ReportedKey.objects.create, **row)


def changes(one: AnsweringStation) -> list[tuple[str, str]]:
    return [(payload["key"], payload["value"]) for _, payload in one.commands]


async def test_a_station_gets_the_values_that_it_does_not_have(
    answering: Online, run_orm: Run, settings: Any
) -> None:
    settings.OCPP_CALL_TIMEOUT = 30
    one = await answering(V16, ACCEPTED, ACCEPTED)
    made = await run_orm(template, A="60", B="60", C="60")
    await report(run_orm, one, A="60", B="5")

    assert await begin(one, made) is None

    assert changes(one) == [("B", "60"), ("C", "60")]
    assert one.how == [{"actor": "campaign 1", "timeout": 60, "wait": False}] * 2
    assignment = await run_orm(TemplateAssignment.objects.get)
    assert (assignment.template_id, assignment.charge_point_id) == (made.pk, one.row.pk)


async def test_a_station_with_the_values_is_skipped(answering: Online, run_orm: Run) -> None:
    one = await answering(V16)
    made = await run_orm(template)
    await report(run_orm, one, A="60", B="060")

    result = await begin(one, made)

    assert result == Result(State.SKIPPED, detail="The station has the values already.")
    assert one.commands == []


async def test_a_value_that_waits_for_a_reboot_is_not_sent_again(answering: Online, run_orm: Run) -> None:
    one = await answering(V16)
    made = await run_orm(template, A="60")
    await run_orm(templates.use, one.row, made)
    await run_orm(DesiredValue.objects.update, state=Value.PENDING_REBOOT, answered_at=BEGIN)

    assert await begin(one, made) is None

    assert one.commands == []


async def test_other_values_are_not_sent(answering: Online, run_orm: Run) -> None:
    one = await answering(V16, ACCEPTED)
    made = await run_orm(template)
    await run_orm(desired.add, one.row, key="a", value="own")
    await run_orm(desired.add, one.row, key="Other", value="own")

    await begin(one, made)

    assert changes(one) == [("B", "60")]


async def test_a_station_whose_own_values_win_is_skipped(answering: Online, run_orm: Run) -> None:
    one = await answering(V16)
    made = await run_orm(template, A="60")
    await run_orm(desired.add, one.row, key="A", value="own")

    assert await begin(one, made) == Result(State.SKIPPED, Reason.REFUSED, "Other desired values win.")


async def test_a_station_of_the_other_dialect_is_skipped_by_its_connection(
    answering: Online, run_orm: Run
) -> None:
    one = await answering(V201)
    one.row.ocpp_version = V16

    result = await begin(one, await run_orm(template))

    sentence = "The template Base is for OCPP 1.6."
    assert result == Result(State.SKIPPED, Reason.NOT_SUPPORTED, sentence)
    assert await run_orm(DesiredValue.objects.count) == 0


async def test_a_station_that_is_away_and_a_deleted_template_are_errors(
    answering: Online, run_orm: Run
) -> None:
    one = await answering(V16)
    made = await run_orm(template)
    await run_orm(ConfigurationTemplate.objects.all().delete)
    made.pk = 7
    with pytest.raises(Missing):
        await begin(one, made)
    live.reset()

    with pytest.raises(StationOffline, match=r"^CP-1 is known but offline\.$"):
        await begin(one, made)


async def test_50_values_are_sent_at_once_those_without_an_answer_first(
    answering: Online, run_orm: Run, settings: Any
) -> None:
    settings.OCPP_CALL_TIMEOUT = 10
    one = await answering(V16, *[ACCEPTED] * 50)
    made = await run_orm(template, **{f"K{number:02}": "60" for number in range(52)})
    await run_orm(templates.use, one.row, made)
    first = DesiredValue.objects.filter(key__in=["K00", "K01"])
    await run_orm(first.update, state=Value.REFUSED, answered_at=BEGIN)

    await begin(one, made)

    assert [key for key, _ in changes(one)] == [f"K{number:02}" for number in range(2, 52)]
    assert {how["timeout"] for how in one.how} == {300.0}


# -- the result of a station ---------------------------------------------------------------------------------


def value(key: str, state: Value, reason: str = "", answered_at: datetime | None = LATER) -> DesiredValue:
    return DesiredValue(key=key, state=state, reason=reason, answered_at=answered_at)


def judge(
    *values: DesiredValue,
    sent: Result | None = None,
    awaits: bool = True,
    state: str = "running",
    attempts: int = 1,
) -> Result:
    campaign = Campaign(arguments={"templateId": 1, "awaitReboot": awaits}, created_at=BEGIN, state=state)
    return judged(CampaignStation(campaign=campaign, attempts=attempts), values, sent)


SAME, DONE = value("Same", Value.SAME), Result(State.DONE, detail="Accepted")
REJECTED = Result(State.FAILED, Reason.REJECTED, "Rejected")


@pytest.mark.parametrize("sent", [None, DONE, REJECTED])
def test_a_station_with_all_values_is_done(sent: Result | None) -> None:
    assert judge(SAME, sent=sent) == Result(State.DONE)


@pytest.mark.parametrize("sent", [None, DONE, REJECTED])
def test_refused_keys_are_named_with_their_reasons(sent: Result | None) -> None:
    result = judge(
        value("A", Value.REFUSED, "OutOfRange"),
        value("B", Value.UNKNOWN_KEY),
        value("C", Value.READ_ONLY),
        value("D", Value.DIFFERS),
        SAME,
        sent=sent,
    )

    detail = "A: OutOfRange. B: Unknown to the station. C: Read-only. D: Differs."
    assert result == Result(State.FAILED, Reason.REJECTED, detail)


@pytest.mark.parametrize("state", [Value.DIFFERS, Value.NOT_REPORTED])
@pytest.mark.parametrize("answered_at", [None, EARLIER, BEGIN])
def test_a_value_that_is_not_there_after_the_requests_is_a_failure(
    state: Value, answered_at: datetime | None
) -> None:
    result = judge(value("A", state, answered_at=answered_at), SAME, sent=DONE)

    assert result == Result(State.FAILED, Reason.NO_EFFECT, f"A: {state.label}.")


@pytest.mark.parametrize(
    ("reason", "detail"), [(Reason.NO_ANSWER, "A: Refused by the station."), (Reason.ERROR, "")]
)
def test_a_failure_of_the_requests_comes_first(reason: Reason, detail: str) -> None:
    values = [value("A", Value.REFUSED)] if detail else [SAME]

    result = judge(*values, sent=Result(State.FAILED, reason, "InternalError"))

    assert result == Result(State.FAILED, reason, f"InternalError {detail}".strip())


@pytest.mark.parametrize(
    ("awaits", "state", "found"),
    [
        (True, "running", State.SENT),
        (True, "paused", State.SENT),
        (True, "cancelled", State.DONE),
        (False, "running", State.DONE),
    ],
)
def test_a_station_waits_for_its_reboot_if_that_is_awaited(awaits: bool, state: str, found: State) -> None:
    values = value("A", Value.PENDING_REBOOT), SAME, value("B", Value.PENDING_REBOOT)

    result = judge(*values, sent=DONE, awaits=awaits, state=state)

    assert result == Result(found, detail="Waits for a reboot: A, B.")


def test_a_refused_value_is_a_failure_before_the_reboot() -> None:
    assert judge(value("A", Value.PENDING_REBOOT), value("B", Value.REFUSED)).state == State.FAILED


@pytest.mark.parametrize(
    ("count", "attempts", "answered_at", "state"),
    [
        (AT_ONCE, 1, None, State.FAILED),
        (AT_ONCE + 1, 1, None, State.WAITING),
        (AT_ONCE + 1, 1, EARLIER, State.WAITING),
        (AT_ONCE + 1, 1, BEGIN, State.FAILED),
        (AT_ONCE + 1, 2, None, State.FAILED),
        (2 * AT_ONCE + 1, 2, None, State.WAITING),
    ],
)
def test_further_values_are_sent_in_further_attempts(
    count: int, attempts: int, answered_at: datetime | None, state: State
) -> None:
    values = [SAME] * (count - 1) + [value("A", Value.DIFFERS, answered_at=answered_at)]

    assert judge(*values, sent=DONE, attempts=attempts).state == state


def test_a_station_without_a_value_of_the_template_has_failed() -> None:
    sentence = "The template has no value for this station."

    assert judge(sent=DONE) == Result(State.FAILED, Reason.REFUSED, sentence)


# -- the rows ------------------------------------------------------------------------------------------------


def rows(*identities: str, made: ConfigurationTemplate, **columns: Any) -> list[CampaignStation]:
    arguments = {"templateId": made.pk, "templateName": "Base", "awaitReboot": True}
    campaign = Campaign.objects.create(
        name="c", kind="configuration", arguments=arguments, deadline_at=datetime.now(UTC) + timedelta(days=1)
    )
    found = []
    for identity in identities:
        station = ChargePoint.objects.create(identity=identity, ocpp_version=V16)
        templates.use(station, made)
        usual = {"state": State.SENT, "claimed_at": BEGIN, "claim": f"claim {identity}", "attempts": 1}
        found.append(
            CampaignStation.objects.create(
                campaign=campaign, charge_point=station, not_before=BEGIN, **usual | columns
            )
        )
    return found


def sent(row: CampaignStation, state: str, **columns: Any) -> None:
    row.command = Command.objects.create(
        id=row.claim,
        charge_point=row.charge_point,
        action="ChangeConfiguration",
        payload={},
        actor=row.campaign.sender,
        created_at=LATER,
        deadline_at=LATER,
        state=state,
        **columns,
    )
    row.save()


def by_station(found: Sequence[CampaignStation]) -> dict[str, Result]:
    results = CONFIGURATION.results(found)
    return {row.charge_point.identity: results[row.pk] for row in found if row.pk in results}


def test_a_station_has_its_result_when_its_requests_have_ended() -> None:
    made = template(A="60")
    running, rejected, lost, done, unsent = found = rows(
        "RUNS", "REJECTS", "LOST", "DONE", "UNSENT", made=made
    )
    sent(running, "queued")
    sent(rejected, "rejected", status="Rejected")
    sent(lost, "disconnected")
    sent(done, "accepted")
    values = DesiredValue.objects
    values.filter(charge_point=rejected.charge_point).update(state=Value.REFUSED, reason="Why")
    values.filter(charge_point__in=[done.charge_point, running.charge_point]).update(state=Value.SAME)
    values.filter(charge_point=unsent.charge_point).update(state=Value.READ_ONLY)
    desired.add(done.charge_point, key="Other", value="1")

    assert by_station(found) == {
        "REJECTS": Result(State.FAILED, Reason.REJECTED, "A: Why."),
        "LOST": Result(State.FAILED, Reason.CONNECTION_LOST, "A: Not reported yet."),
        "DONE": Result(State.DONE),
        "UNSENT": Result(State.FAILED, Reason.REJECTED, "A: Read-only."),
    }


def test_a_station_that_waits_for_its_reboot_is_stored_once_and_done_after_it() -> None:
    (row,) = rows("CP-1", made=template(B="60", A="60"))
    sent(row, "accepted")
    DesiredValue.objects.update(state=Value.PENDING_REBOOT, answered_at=datetime.now(UTC))
    waits = Result(State.SENT, detail="Waits for a reboot: A, B.")

    assert by_station([row]) == {"CP-1": waits}
    row.detail = waits.detail
    assert by_station([row]) == {}
    DesiredValue.objects.update(state=Value.SAME)
    assert by_station([row]) == {"CP-1": Result(State.DONE)}


def test_without_rows_there_are_no_results() -> None:
    assert CONFIGURATION.results([]) == {}
