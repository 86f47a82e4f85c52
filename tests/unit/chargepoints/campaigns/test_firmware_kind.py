"""The kind "firmware": its arguments, the stations that it skips, and the update that ends a row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command, FirmwareFile, FirmwareUpdate
from chargepoints.services.campaigns import kinds, planning
from chargepoints.services.campaigns.firmware import FIRMWARE
from chargepoints.services.campaigns.kinds import Result
from chargepoints.services.firmware import updates
from ocpp_server import commanding
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from tests.direct.follow_ups import a_notification
from tests.unit.transactions.at_once import at_once, run_at_once

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(hours=2)
ELSEWHERE = "https://files.example.com/1.1.bin"
ARGUMENTS = {"location": ELSEWHERE, "version": "1.1", "retryInterval": 60}


def test_it_is_registered_for_the_command() -> None:
    assert kinds.find("firmware") is FIRMWARE
    assert kinds.of_command("update-firmware", {"firmware": 7}) == ("firmware", {"firmware": 7})
    assert kinds.only_kind_of("update-firmware") == "firmware"
    assert FIRMWARE.name == "firmware"
    assert str(FIRMWARE.title) == "Firmware update"


# -- the arguments -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_arguments_are_the_fields_of_the_command() -> None:
    assert FIRMWARE.check(ARGUMENTS) == ARGUMENTS


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"firmware": 0}, "arguments.firmware"),
        ({}, "arguments.firmware"),
        (ARGUMENTS | {"colour": "red"}, "arguments.colour"),
        (ARGUMENTS | {"timeout": 30}, "arguments.timeout"),
        (ARGUMENTS | {"retries": -1}, "arguments.retries"),
        (ARGUMENTS | {"retrieveAt": "tomorrow"}, "arguments.retrieveAt"),
        (ARGUMENTS | {"signature": "c2ln"}, "arguments.signingCertificate"),
    ],
)
def test_a_refusal_names_the_field(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        FIRMWARE.check(arguments)

    assert [one["field"] for one in error.value.errors] == [field]


def test_its_role_its_words_and_its_secrets() -> None:
    assert FIRMWARE.role({}) is Role.OPERATOR
    assert FIRMWARE.masked({"location": "ftp://ann:secret@host/"}) == {"location": "ftp://***@host/"}
    assert FIRMWARE.sentence({"firmware": 7}) == "Install the firmware 7"
    assert FIRMWARE.sentence(ARGUMENTS) == f"Install 1.1 from {ELSEWHERE}"
    assert FIRMWARE.sentence({"location": ELSEWHERE}) == f"Install the firmware from {ELSEWHERE}"


# -- the request to one station ------------------------------------------------------------------------------

Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, db: None) -> Sent:
    """The commands that are performed: name, station and how."""
    run_at_once(monkeypatch)
    performed: Sent = []

    async def perform(self: Any, charge_point: Any, **how: Any) -> None:
        performed.append((self.name, charge_point.identity, how))

    monkeypatch.setattr(commanding.OperatorCommand, "perform", perform)
    return performed


def begun(station: ChargePoint, arguments: dict[str, Any]) -> list[Result | None]:
    found: list[Result | None] = []

    @at_once
    async def run() -> None:
        found.append(await FIRMWARE.begin(station, arguments, actor="campaign 1"))

    run()
    return found


@pytest.mark.parametrize("installed", ["1.0", ""])
def test_a_station_with_another_version_gets_the_command(sent: Sent, installed: str) -> None:
    assert begun(ChargePoint(identity="CP-1", firmware_version=installed), ARGUMENTS) == [None]

    fields = {"location": ELSEWHERE, "version": "1.1", "retry_interval": 60}
    assert sent == [("update-firmware", "CP-1", {"actor": "campaign 1", "wait": False, **fields})]


def test_without_a_version_each_station_gets_the_command(sent: Sent) -> None:
    assert begun(ChargePoint(identity="CP-1"), {"location": ELSEWHERE}) == [None]

    assert len(sent) == 1


def test_stored_arguments_that_are_no_longer_valid_are_refused_by_their_names(sent: Sent) -> None:
    with pytest.raises(Invalid) as error:
        begun(ChargePoint(identity="CP-1"), ARGUMENTS | {"colour": "red"})

    assert error.value.errors[0]["field"] == "arguments.colour"
    assert sent == []


def test_a_station_that_has_the_version_is_skipped(sent: Sent) -> None:
    station = ChargePoint(identity="CP-1", firmware_version="1.1 ")

    assert begun(station, ARGUMENTS) == [Result("skipped", detail="Already installed: 1.1 .")]
    assert sent == []


def test_a_station_of_another_make_is_skipped(sent: Sent) -> None:
    firmware = FirmwareFile.objects.create(name="Acme", version="1.1", url=ELSEWHERE, vendor="Acme")
    sentence = "Acme 1.1 is for the vendor Acme; CP-1 has Other."

    found = begun(ChargePoint(identity="CP-1", vendor="Other"), {"firmware": firmware.pk})

    assert found == [Result("skipped", "not-supported", sentence)]
    assert sent == []


# -- the result of a station ---------------------------------------------------------------------------------


class Sending:
    """A campaign with two stations that were sent to. The first one has an update, the second has none."""

    def __init__(self) -> None:
        for number in (1, 2):
            ChargePoint.objects.create(identity=f"CP-{number}", firmware_version="1.0")
        self.campaign: Campaign = planning.create(
            name="May", kind="firmware", arguments=ARGUMENTS, stations={"everything": True}, actor="ann"
        )
        self.row, self.other = self.campaign.stations.order_by("charge_point__identity")
        for number, row in enumerate((self.row, self.other), start=1):
            row.state, row.claim, row.claimed_at = CampaignStation.State.SENT, f"c{number}", LONG_AGO
            row.save()
        self.update = updates.create(
            self.row.charge_point, command_id="c1", action=updates.SIGNED, actor=self.campaign.sender,
            version="1.1", is_signed=True, retrieve_at=LONG_AGO, install_at=None,
        )  # fmt: skip
        FirmwareUpdate.objects.update(created_at=LONG_AGO)
        self.command("c1", self.row)

    def command(self, key: str, row: CampaignStation, **columns: Any) -> None:
        usual = {"state": "accepted", "status": "Accepted", "finished_at": LONG_AGO}
        Command.objects.create(
            id=key, charge_point=row.charge_point, action="SignedUpdateFirmware", payload={},
            actor=self.campaign.sender, created_at=LONG_AGO, deadline_at=NOW, **usual | columns,
        )  # fmt: skip

    def ends(self, command: dict[str, Any], update: dict[str, Any]) -> None:
        Command.objects.update(**command)
        FirmwareUpdate.objects.update(**update)

    @property
    def results(self) -> dict[int, Result]:
        return dict(FIRMWARE.results(list(self.campaign.stations.all())))

    @property
    def result(self) -> Result | None:
        return FIRMWARE.results([self.row]).get(self.row.pk)


@pytest.fixture
def sending(db: None) -> Sending:
    return Sending()


@pytest.mark.parametrize(
    ("command", "update", "result"),
    [
        ({}, {"state": "installed", "booted_version": "1.1"}, ("done", "", "1.1")),
        ({}, {"state": "installed", "status": "Installed"}, ("done", "", "Installed")),
        ({}, {"state": "superseded", "fault": "A newer one."}, ("failed", "refused", "A newer one.")),
        (
            {},
            {"state": "superseded", "status": "Downloading", "fault": "A newer one."},
            ("failed", "refused", "A newer one."),
        ),
        (
            {"state": "timeout"},
            {"state": "failed", "status": "DownloadFailed", "fault": "No file."},
            ("failed", "no-effect", "No file."),
        ),
        ({}, {"state": "silent", "fault": "No report."}, ("failed", "no-effect", "No report.")),
        (
            {"state": "rejected", "status": "Rejected", "response": {"status": "Rejected"}},
            {"state": "rejected", "fault": "Refused."},
            ("failed", "rejected", "Refused."),
        ),
        (
            {"state": "error", "error_code": "InternalError"},
            {"state": "failed", "fault": "An error."},
            ("failed", "error", "An error."),
        ),
        (
            {"state": "error", "error_code": "NotSupported"},
            {"state": "failed", "action": updates.PLAIN, "fault": "An error."},
            ("failed", "not-supported", "An error."),
        ),
        (
            {"state": "error", "error_code": "NotImplemented"},
            {"state": "failed", "fault": "An error."},
            (
                "waiting",
                "not-supported",
                "The station does not know SignedUpdateFirmware; it gets UpdateFirmware.",
            ),
        ),
        (
            {"state": "disconnected"},
            {"state": "silent", "fault": "No answer."},
            ("failed", "connection-lost", "No answer."),
        ),
        (
            {"state": "invalid"},
            {"state": "failed", "fault": "Not valid."},
            ("failed", "invalid-answer", "Not valid."),
        ),
        (
            {"state": "timeout"},
            {"state": "silent", "fault": "No answer."},
            ("failed", "no-answer", "No answer."),
        ),
    ],
)
def test_the_end_of_the_update_is_the_result(
    sending: Sending, command: dict[str, Any], update: dict[str, Any], result: tuple[str, str, str]
) -> None:
    sending.ends(command, update)

    assert sending.result == Result(*result)


@pytest.mark.parametrize("state", ["accepted", "downloading", "installing", "rebooting"])
def test_an_open_update_has_no_result_yet(sending: Sending, state: str) -> None:
    sending.ends({}, {"state": state})

    assert sending.result is None


def test_an_answer_that_no_process_has_followed_counts_at_once(sending: Sending) -> None:
    sending.ends({"state": "rejected", "status": "Rejected", "response": {"status": "Rejected"}}, {})

    assert sending.result == Result("failed", "rejected", "The station answered Rejected.")
    sending.update.refresh_from_db()
    assert sending.update.state == "rejected"


@pytest.mark.parametrize(
    ("command", "state"), [({"state": "queued", "finished_at": None}, "requested"), ({}, "downloading")]
)
def test_the_step_of_a_campaign_computes_no_other_update(
    sending: Sending, command: dict[str, Any], state: str
) -> None:
    sending.ends(command, {"state": state})
    a_notification(
        sending.row.charge_point, "SignedFirmwareStatusNotification", "Downloaded",
        number=sending.update.pk, seconds_ago=60,
    )  # fmt: skip

    assert sending.result is None
    sending.update.refresh_from_db()
    assert sending.update.state == state


@pytest.mark.parametrize(
    ("state", "result"),
    [("silent", Result("failed", "no-effect", "No answer.")), ("requested", None)],
)
def test_an_update_whose_command_was_never_stored_ends_by_its_silence(
    sending: Sending, state: str, result: Result | None
) -> None:
    FirmwareUpdate.objects.update(command_id="c2", state=state, fault="No answer.")

    assert sending.results.get(sending.other.pk) == result


def test_a_row_without_an_update_does_not_hide_the_others(sending: Sending) -> None:
    sending.ends({}, {"state": "installed", "booted_version": "1.1"})
    sending.command("c2", sending.other)

    assert sending.results == {
        sending.row.pk: Result("done", detail="1.1"),
        sending.other.pk: Result(
            "failed", "server-error", "The update was deleted before its result was read."
        ),
    }


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({"state": "timeout", "status": ""}, Result("failed", "no-answer")),
        ({"state": "queued", "finished_at": None}, None),
    ],
)
def test_a_failed_command_without_an_update_is_the_result(
    sending: Sending, columns: dict[str, Any], result: Result | None
) -> None:
    sending.command("c2", sending.other, **columns)

    assert sending.results.get(sending.other.pk) == result


def test_a_campaign_without_sent_rows_has_no_results(db: None) -> None:
    assert FIRMWARE.results([]) == {}
