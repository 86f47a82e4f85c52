"""The state of a log, from what is known of it."""

from __future__ import annotations

import pytest

from chargepoints.services.diagnostics.progress import Evidence, state_of


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (Evidence(), "requested"),
        (Evidence(command="sent"), "requested"),
        (Evidence(command="accepted"), "accepted"),
        (Evidence(command="rejected"), "rejected"),
        (Evidence(command="empty"), "rejected"),
        (Evidence(command="error"), "failed"),
        (Evidence(command="timeout"), "failed"),
        (Evidence(command="disconnected"), "failed"),
        (Evidence(command="invalid"), "failed"),
        # The station goes on although its answer came too late.
        (Evidence(command="timeout", status="Uploading"), "uploading"),
        (Evidence(command="accepted", has_begun=True), "uploading"),
        (Evidence(command="accepted", status="Uploading"), "uploading"),
        (Evidence(command="accepted", status="Uploaded"), "failed"),
        (Evidence(command="accepted", status="Uploaded", is_received_here=False), "uploaded"),
        (Evidence(command="accepted", status="UploadFailed", has_begun=True), "failed"),
        (Evidence(command="accepted", status="PermissionDenied"), "failed"),
        (Evidence(command="accepted", status="AcceptedCanceled"), "canceled"),
        (Evidence(command="accepted", status="Uploading", is_replaced=True), "canceled"),
        (Evidence(command="accepted", status="Uploading", fault="The disk is full."), "failed"),
        (Evidence(command="accepted", is_expired=True), "expired"),
        (Evidence(is_expired=True), "expired"),
        (Evidence(command="accepted", status="Uploading", is_expired=True), "expired"),
        (Evidence(command="rejected", is_expired=True), "rejected"),
        (Evidence(status="UploadFailed", is_expired=True), "failed"),
        (Evidence(command="timeout", status="UploadFailed", has_file=True, is_expired=True), "received"),
        (Evidence(status="Uploading", has_file=True, fault="x", is_replaced=True), "received"),
    ],
)
def test_the_state_of_a_log(known: Evidence, state: str) -> None:
    assert state_of(known) == state
