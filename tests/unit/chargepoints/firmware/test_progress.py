"""The state of a firmware update, from what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.services.firmware.progress import Boot, Evidence, Report, same_version, verdict

SENT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, NEW = "1.0", "1.1"
TO_INSTALLED = ("Downloading", "Downloaded", "Installing", "Installed")


def minutes(number: float) -> datetime:
    return SENT + timedelta(minutes=number)


def known(*statuses: str, boot: tuple[str, float] | None = None, now: float = 30, **more: Any) -> Evidence:
    """An accepted update to NEW. The statuses came one a minute; the boot has its version and its minute."""
    reports = [Report(status, minutes(number + 1)) for number, status in enumerate(statuses)]
    usual = {"command": "accepted", "wanted": NEW, "previous": OLD, "now": minutes(now), "silence": HOUR}
    found = None if boot is None else Boot(boot[0], minutes(boot[1]))
    return Evidence(sent_at=SENT, reports=reports, boot=found, **usual | more)


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ((), "accepted"),
        (("DownloadScheduled",), "accepted"),
        (("Downloading",), "downloading"),
        (("Downloading", "DownloadPaused"), "downloading"),
        (("Downloading", "Downloaded"), "downloaded"),
        (("Downloaded", "SignatureVerified"), "verified"),
        (("Downloaded", "InstallScheduled"), "downloaded"),
        (("SignatureVerified", "InstallScheduled"), "verified"),
        (("InstallScheduled",), "accepted"),
        (("SignatureVerified", "Installing"), "installing"),
        (("Installing", "InstallRebooting"), "rebooting"),
        (TO_INSTALLED, "rebooting"),
        (("Downloading", "DownloadFailed"), "failed"),
        (("Installing", "InstallationFailed"), "failed"),
        (("Downloaded", "InvalidSignature"), "failed"),
        (("Installing", "InstallVerificationFailed"), "failed"),
        # Back, unknown, and without a meaning for an update.
        (("Installing", "Downloading"), "installing"),
        (("Downloading", "Idle", "Pondering", ""), "downloading"),
        # The station downloads again by itself; after another failure nothing more counts.
        (("Downloading", "DownloadFailed", "Downloading"), "downloading"),
        (("Downloaded", "DownloadFailed", "Downloading", "DownloadFailed"), "failed"),
        (("Installing", "InstallationFailed", "Downloading", "Installed"), "failed"),
        (("InvalidSignature", "DownloadFailed", "Downloading"), "failed"),
    ],
)
def test_the_reports_give_the_state(statuses: tuple[str, ...], state: str) -> None:
    assert verdict(known(*statuses)).state == state


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ((), ""),
        (("Idle",), ""),
        (("Installing", "Downloading"), "Installing"),
        (("Downloading", "DownloadPaused"), "DownloadPaused"),
        (("InvalidSignature", "DownloadFailed"), "InvalidSignature"),
    ],
)
def test_the_last_status_that_counted_is_shown(statuses: tuple[str, ...], status: str) -> None:
    assert verdict(known(*statuses)).status == status


@pytest.mark.parametrize(
    ("command", "answer", "state", "fault"),
    [
        ("", "", "requested", ""),
        ("queued", "", "requested", ""),
        ("sent", "", "requested", ""),
        ("accepted", "AcceptedCanceled", "accepted", ""),
        ("late", "", "accepted", ""),
        ("rejected", "Rejected", "rejected", "The station answered Rejected."),
        ("empty", "", "rejected", "The station answered with a refusal."),
        ("error", "NotSupported", "failed", "The station answered with the error NotSupported."),
        ("invalid", "", "failed", "The station's answer was not valid."),
        ("timeout", "", "silent", "The station did not answer."),
        ("disconnected", "", "silent", "The station did not answer."),
        (
            "rejected",
            "InvalidCertificate",
            "failed",
            "The station does not accept the signing certificate (InvalidCertificate).",
        ),
        (
            "rejected",
            "RevokedCertificate",
            "failed",
            "The station holds the signing certificate for revoked (RevokedCertificate).",
        ),
    ],
)
def test_the_answer_gives_the_state(command: str, answer: str, state: str, fault: str) -> None:
    found = verdict(known(command=command, answer=answer))

    assert (found.state, found.fault) == (state, fault)
    assert (found.stalls_at is None) is (state not in ("requested", "accepted"))


@pytest.mark.parametrize("command", ["timeout", "disconnected", "invalid", "rejected"])
def test_a_station_that_goes_on_after_its_answer_was_lost_is_believed(command: str) -> None:
    assert verdict(known("Downloading", command=command)).state == "downloading"


@pytest.mark.parametrize(
    ("statuses", "boot", "more", "state"),
    [
        # A boot with the wanted version proves it: after Installed, before it, without it, after a failure.
        (TO_INSTALLED, (NEW, 5), {}, "installed"),
        (TO_INSTALLED, (NEW, 3.5), {}, "installed"),
        (("Installing",), (NEW, 5), {}, "installed"),
        (("Installing",), (" 1.1 ", 5), {}, "installed"),
        ((), (NEW, 5), {"command": "timeout"}, "installed"),
        (("Installing", "InstallationFailed"), (NEW, 5), {}, "installed"),
        # Another version disproves Installed, before it and after it.
        (TO_INSTALLED, (OLD, 5), {}, "failed"),
        (TO_INSTALLED, (OLD, 3.5), {}, "failed"),
        (("Downloaded", "InstallRebooting", "Installed"), (OLD, 2.5), {}, "failed"),
        # It says nothing without Installed, and before the installation began.
        (("Installing",), (OLD, 5), {}, "installing"),
        (("Downloading",), (OLD, 5), {}, "downloading"),
        (TO_INSTALLED, (OLD, 2.5), {}, "rebooting"),
        (("InstallationFailed",), (OLD, 5), {}, "failed"),
        # Nothing to compare.
        (TO_INSTALLED, ("", 5), {}, "installed"),
        (TO_INSTALLED, None, {"wanted": ""}, "installed"),
        (("Installing",), ("", 5), {"wanted": ""}, "installing"),
        # The same version again: a boot alone proves nothing.
        (("Installing",), (NEW, 5), {"previous": NEW}, "installing"),
        (TO_INSTALLED, (NEW, 5), {"previous": NEW}, "installed"),
        (TO_INSTALLED, (NEW, 2.5), {"previous": NEW}, "rebooting"),
        ((*TO_INSTALLED, "InstallationFailed"), (NEW, 5), {"previous": NEW}, "failed"),
    ],
)
def test_the_boot_decides(
    statuses: tuple[str, ...], boot: tuple[str, float] | None, more: dict[str, Any], state: str
) -> None:
    assert verdict(known(*statuses, boot=boot, **more)).state == state


def test_another_version_in_the_boot_is_named_with_the_wanted_one() -> None:
    found = verdict(known(*TO_INSTALLED, boot=(OLD, 5)))

    assert found.fault == "The station reported Installed and booted with 1.0, not with 1.1."


@pytest.mark.parametrize(
    ("statuses", "more", "state"),
    [
        (("Downloading",), {}, "superseded"),
        (TO_INSTALLED, {}, "superseded"),
        ((), {"command": "timeout"}, "superseded"),
        (("DownloadFailed",), {}, "failed"),
        ((), {"command": "rejected"}, "rejected"),
        (TO_INSTALLED, {"boot": (NEW, 5)}, "installed"),
    ],
)
def test_a_newer_update_ends_the_one_before_unless_it_has_ended(
    statuses: tuple[str, ...], more: dict[str, Any], state: str
) -> None:
    assert verdict(known(*statuses, is_replaced=True, **more)).state == state


@pytest.mark.parametrize(
    ("statuses", "more", "stalls_after"),
    [
        ((), {}, 60),
        (("Downloading", "Downloaded"), {}, 62),
        (("Installing", "Downloading"), {}, 61),  # back: it does not count
        ((), {"retrieve_at": minutes(90)}, 150),
        (("DownloadScheduled",), {"retrieve_at": minutes(90)}, 150),
        (("Downloading",), {"retrieve_at": minutes(90)}, 61),
        (("Downloaded", "InstallScheduled"), {"install_at": minutes(90)}, 150),
        (("Installing",), {"install_at": minutes(90)}, 61),
        (("Installing",), {"boot": (OLD, 20)}, 80),
        (TO_INSTALLED, {}, 64),
    ],
)
def test_a_station_that_reports_nothing_is_silent(
    statuses: tuple[str, ...], more: dict[str, Any], stalls_after: float
) -> None:
    before = verdict(known(*statuses, now=stalls_after, **more))
    after = verdict(known(*statuses, now=stalls_after + 0.001, **more))

    assert before.stalls_at == minutes(stalls_after)
    assert (before.state != "silent", after.state, after.stalls_at) == (True, "silent", None)


@pytest.mark.parametrize(
    ("statuses", "boot", "fault"),
    [
        ((), None, "The station reported nothing after its answer."),
        (("Downloading",), None, "The station reported nothing after Downloading."),
        (TO_INSTALLED, None, "The station reported Installed and has not booted since."),
        (("Installing",), (OLD, 5), "The station reported nothing after Installing but a boot with 1.0."),
        (("Installing",), ("", 5), "The station reported nothing after Installing."),
    ],
)
def test_a_silent_update_says_where_it_stopped(
    statuses: tuple[str, ...], boot: tuple[str, float] | None, fault: str
) -> None:
    assert verdict(known(*statuses, boot=boot, now=1000)).fault == fault


def test_versions_differ_only_by_their_text() -> None:
    assert same_version(" V1.1", "v1.1 ")
    assert not same_version("1.1", "1.10")
