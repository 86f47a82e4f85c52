"""The rows of updates: which notification and which boot belongs to which, the job, and the event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command, FirmwareFile, FirmwareUpdate
from chargepoints.services.firmware import updates, usage
from chargepoints.services.firmware.progress import Boot
from events.models import Event
from tests.direct.follow_ups import a_notification
from tests.unit.chargepoints.firmware.conftest import NEW, OLD, Ask, Notify, state

pytestmark = pytest.mark.django_db


def now(minutes: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_notification_without_a_number_belongs_to_the_last_update_that_was_not_refused(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    first = asked(minutes=30)
    notified("DownloadFailed", minutes=25)
    second = asked(minutes=20)
    notified("Downloading", minutes=15)
    refused = asked("error", minutes=10)
    notified("Downloaded", minutes=5)

    updates.follow(garage.pk, None)
    for one in (first, refused):
        updates.refresh(one.pk)

    assert [state(one) for one in (first, second, refused)] == ["failed", "downloaded", "failed"]


def test_a_number_belongs_to_its_update_within_the_station_alone(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    update, other = asked(), ChargePoint.objects.create(identity="yard")
    notified("Downloading", update.pk, of=other)

    updates.follow(other.pk, update.pk)
    updates.follow(garage.pk, update.pk + 1)
    assert state(update) == "requested"

    updates.follow(garage.pk, update.pk)
    assert state(update) == "accepted"


def test_a_notification_from_before_the_request_does_not_count(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    notified("Installing", minutes=20)
    update = asked(minutes=10)

    updates.follow(garage.pk, None)

    assert state(update) == "accepted"


def test_a_numbered_notification_belongs_to_no_other_update(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    first, second = asked(minutes=30), asked(minutes=20)
    asked("timeout", minutes=10)
    notified("Installing", first.pk, minutes=15)

    updates.refresh(second.pk)

    assert state(second) == "accepted"


def test_the_progress_of_a_publication_is_none_of_an_update(garage: ChargePoint, asked: Ask) -> None:
    update = asked()
    for number in (None, update.pk):
        a_notification(
            garage, "PublishFirmwareStatusNotification", "DownloadFailed", number=number, seconds_ago=60
        )

    updates.refresh(update.pk)

    assert state(update) == "accepted"


def test_idle_reports_push_no_other_report_out(
    garage: ChargePoint, asked: Ask, notified: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "_REPORTS", 2)
    update = asked()
    notified("Downloading", minutes=5)
    for minutes in (4, 3, 2):
        notified("Idle", minutes=minutes)

    updates.follow(garage.pk, None)

    assert state(update) == "downloading"


def test_nothing_follows_an_update_whose_installation_was_reported(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    update = asked(version="")
    notified("Installed", minutes=5)
    updates.follow(garage.pk, None)
    notified("DownloadFailed", minutes=4)
    updates.follow(garage.pk, None)
    updates.refresh(update.pk + 1)

    assert state(update) == "installed"


def test_the_boot_ends_an_update_and_a_later_one_changes_nothing(garage: ChargePoint, asked: Ask) -> None:
    update = asked()
    updates.booted(garage.pk, Boot(NEW, now(-1)), "")
    updates.booted(garage.pk, Boot(OLD, now()), "")

    assert (state(update), update.booted_version, update.stalls_at) == ("installed", NEW, None)
    assert update.finished_at is not None


def test_a_boot_before_the_request_and_one_of_another_station_prove_nothing(
    garage: ChargePoint, asked: Ask
) -> None:
    update, other = asked(), ChargePoint.objects.create(identity="yard")

    updates.booted(garage.pk, Boot(NEW, now(-60)), "")
    updates.booted(other.pk, Boot(NEW, now()), "")

    assert (state(update), update.booted_at) == ("requested", None)


@pytest.mark.parametrize(("version", "booted_version"), [(OLD, ""), (NEW, NEW)])
def test_a_boot_notification_that_was_asked_for_is_no_boot_but_shows_the_version(
    garage: ChargePoint, asked: Ask, version: str, booted_version: str
) -> None:
    update = asked()

    updates.booted(garage.pk, Boot(version, now()), "Triggered")

    assert (state(update) == "installed", update.booted_version) == (bool(booted_version), booted_version)


def test_a_boot_that_was_asked_for_proves_each_update_to_its_version(garage: ChargePoint, asked: Ask) -> None:
    older, newest = asked(minutes=30), asked(minutes=20, version="1.2")

    updates.booted(garage.pk, Boot(NEW, now()), "Triggered")

    assert (state(older), state(newest)) == ("installed", "requested")


def test_a_late_boot_proves_the_newest_failed_update_for_a_day(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    older, newest = asked(minutes=30), asked(minutes=20)
    FirmwareUpdate.objects.update(state="failed", stalls_at=None, finished_at=now(-1500))

    updates.booted(garage.pk, Boot(NEW, now()), "")
    assert (state(older), state(newest)) == ("failed", "failed")

    FirmwareUpdate.objects.update(finished_at=now(-1400))
    updates.booted(garage.pk, Boot(NEW, now()), "")
    assert (state(older), state(newest)) == ("failed", "installed")


@pytest.mark.parametrize("answer", ["", "Accepted", "AcceptedCanceled"])
def test_a_newer_update_that_the_station_takes_replaces_the_open_ones(
    garage: ChargePoint, asked: Ask, answer: str
) -> None:
    first = asked(minutes=30)
    rejected = asked("rejected", minutes=20, command={"status": "Rejected"})
    updates.refresh(rejected.pk)
    assert state(first) == "requested"

    newest = asked(minutes=10, command={"status": answer})
    updates.refresh(newest.pk)

    assert [state(one) for one in (first, rejected, newest)] == ["superseded", "rejected", "accepted"]


# -- the job -------------------------------------------------------------------------------------------------


def test_the_job_finds_what_no_process_has_followed(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    numbers = {}
    for name in ("answer", "notification", "silence", "no command"):
        station = ChargePoint.objects.create(identity=name, firmware_version=OLD)
        numbers[name] = asked("" if name == "no command" else "accepted", of=station)
    late = numbers["notification"]
    notified("Installing", late.pk, of=late.charge_point)
    for name in ("silence", "no command"):
        FirmwareUpdate.objects.filter(pk=numbers[name].pk).update(
            created_at=now(-70), retrieve_at=now(-70), stalls_at=now(-1)
        )

    updates.settle()

    assert {name: state(one) for name, one in numbers.items()} == {
        "answer": "accepted",
        "notification": "installing",
        "silence": "silent",
        "no command": "silent",
    }


def test_the_job_finds_a_boot_that_no_process_has_followed(garage: ChargePoint, asked: Ask) -> None:
    update = asked()
    updates.refresh(update.pk)
    ChargePoint.objects.update(last_boot_at=now(), firmware_version=NEW, boot_reason="Triggered")
    updates.settle()
    assert state(update) == "accepted"

    ChargePoint.objects.update(boot_reason="FirmwareUpdate")
    updates.settle()

    assert state(update) == "installed"


def test_the_job_looks_at_an_update_only_when_something_has_changed(garage: ChargePoint, asked: Ask) -> None:
    update = asked()
    updates.settle()
    update.refresh_from_db()
    before = update.updated_at

    updates.settle()

    update.refresh_from_db()
    assert update.updated_at == before


def test_a_silent_update_goes_on_when_the_station_reports_again(
    garage: ChargePoint, asked: Ask, notified: Notify
) -> None:
    update = asked(minutes=100)
    updates.settle()
    assert (state(update), update.stalls_at) == ("silent", None)

    notified("Installing", minutes=1)
    updates.follow(garage.pk, None)

    assert (state(update), update.finished_at) == ("installing", None)


def test_the_silence_is_a_setting(garage: ChargePoint, asked: Ask, settings: Any) -> None:
    settings.FIRMWARE_SILENCE = 60
    update = asked(minutes=2)

    updates.refresh(update.pk)

    assert state(update) == "silent"


# -- around it -----------------------------------------------------------------------------------------------


def test_the_end_of_an_update_is_an_event_once(garage: ChargePoint, asked: Ask) -> None:
    update = asked("rejected", command={"status": "Rejected"})

    for _ in range(2):
        updates.refresh(update.pk)

    (event,) = Event.objects.filter(type="firmware.update_finished")
    assert event.station == "garage"
    assert json.loads(event.data) == {
        "updateId": update.pk,
        "campaignId": None,
        "state": "rejected",
        "version": NEW,
        "fault": "The station answered Rejected.",
    }


def test_the_campaign_is_the_one_whose_claim_sends(garage: ChargePoint, asked: Ask) -> None:
    made = [
        Campaign.objects.create(name=name, kind="firmware", arguments={}, deadline_at=now(60))
        for name in ("other", "own")
    ]
    for campaign, claim_state in zip(made, ("sent", "claimed"), strict=True):
        CampaignStation.objects.create(
            campaign=campaign, charge_point=garage, state=claim_state, not_before=now()
        )

    assert asked(actor=made[1].sender).campaign == made[1]
    assert asked(actor=made[0].sender).campaign is None
    assert asked(actor="ann").campaign is None


@pytest.mark.parametrize(
    ("answer", "firmware_now", "has_refused"),
    [
        ("error NotSupported", OLD, True),
        ("error NotImplemented", OLD, True),
        ("error InternalError", OLD, False),
        ("error NotSupported", NEW, False),
        ("timeout", OLD, False),
    ],
)
def test_an_unknown_action_is_remembered_until_the_firmware_changes(
    garage: ChargePoint, asked: Ask, answer: str, firmware_now: str, has_refused: bool
) -> None:
    command_state, _, code = answer.partition(" ")
    asked(command_state, action=updates.SIGNED, command={"error_code": code})
    garage.firmware_version = firmware_now

    assert updates.has_refused(garage, updates.SIGNED) is has_refused
    assert not updates.has_refused(garage, updates.PLAIN)


def test_an_answer_that_it_takes_it_ends_the_memory(garage: ChargePoint, asked: Ask) -> None:
    asked("error", command={"error_code": "NotSupported"})
    asked("timeout")
    assert updates.has_refused(garage, updates.PLAIN)

    asked("accepted")
    assert not updates.has_refused(garage, updates.PLAIN)


def test_a_firmware_is_used_until_its_updates_have_ended(
    garage: ChargePoint, asked: Ask, firmware: FirmwareFile
) -> None:
    update = asked(firmware=firmware)
    other = FirmwareFile.objects.create(name="Acme", version="1.2", url="https://files.example.com/1.2.bin")
    assert usage.reason(other) == ""
    assert usage.reason(firmware) == f"Update {update.pk} of garage is not finished."

    updates.booted(garage.pk, Boot(NEW, now()), "")
    assert usage.reason(firmware) == ""


def test_long_texts_are_cut_to_their_columns(asked: Ask) -> None:
    update = asked(location="https://x/" + "y" * 2000, actor="a" * 151)

    assert update.location == "https://x/" + "y" * 1990
    assert update.actor == "a" * 150


def test_a_command_that_could_not_be_sent_leaves_no_update(garage: ChargePoint, asked: Ask) -> None:
    updates.discard(asked())

    assert not FirmwareUpdate.objects.exists()
    assert Command.objects.exists()
