"""UpdateFirmware and SignedUpdateFirmware (1.6 4.5, 6.19 and security extension L01, 2.x L01)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from chargepoints.models.firmware import MOST_CERTIFICATE, MOST_SIGNATURE
from chargepoints.services.firmware import files, requests, updates
from chargepoints.services.firmware.progress import UNSUPPORTED
from chargepoints.services.firmware.requests import Wish
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, DomainError
from ocpp_server.given_addresses import MOST_CHARACTERS
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.observability import tracing
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

_MOST_RETRIES: Final = 100


async def _prepare(charge_point: ChargePoint, **given: Any) -> dict[str, Any]:
    wanted = await journal.run(lambda: requests.wish(**given))
    if sentence := requests.mismatch(charge_point, wanted.firmware):
        raise Conflict(sentence)
    return {"wanted": wanted}


async def _update(
    charge_point: ChargePoint, *, wanted: Wish, actor: str, timeout: float | None, wait: bool
) -> Result:
    """Send the request. Raises the errors of `calls.call`, and those of `requests.action_for` and `address`.

    A station that answers that it does not know SignedUpdateFirmware gets UpdateFirmware at once, if the
    caller waits; otherwise at the next attempt.
    """
    version = charge_point.ocpp_version
    action = await journal.run(requests.action_for, charge_point, wanted)
    # A request that can't be sent gets no row.
    shape = requests.payload(version, action, wanted, number=0)  # equivalent: the schema takes any number
    await calls.check(charge_point, action, shape)
    command_id = tracing.command_id()
    update = await journal.run(
        lambda: requests.begin(charge_point, wanted, action=action, actor=actor, command_id=command_id)
    )
    try:
        location = await journal.run(requests.address, update, wanted)
        sent: Command = await calls.call(
            charge_point,
            action,
            requests.payload(version, action, wanted, number=update.pk, location=location),
            actor=actor,
            timeout=timeout,
            wait=wait,
            command_id=command_id,
        )
    except (DomainError, LiveStateUnavailable):
        await journal.run(updates.discard, update)
        raise
    await journal.run(updates.refresh, update.pk)
    if action == updates.SIGNED and sent.error_code in UNSUPPORTED:
        return await _update(charge_point, wanted=wanted, actor=actor, timeout=timeout, wait=wait)
    return Result(sent, {"updateId": update.pk, "action": action})


UPDATE_FIRMWARE = command(
    "update-firmware",
    _("Update firmware"),
    _("Ask the station to download and install a firmware."),
    action="UpdateFirmware",
    icon="system_update_alt",
    position=95,
    danger=_("The station restarts to install the firmware. Sessions may end because of that."),
    fields=(
        fields.Listed(
            "firmware",
            _("Firmware"),
            rows=files.newest,
            help=_("A firmware of this server, by its number: its version, signature and address are used."),
        ),
        fields.Text(
            "location",
            _("Another address"),
            most=MOST_CHARACTERS,
            help=_(
                "Only without a firmware of this server: http, https, ftp, ftps or sftp; a login in it is "
                "not stored."
            ),
        ),
        fields.Text(
            "version",
            _("Version"),
            help=_("The version that the station reports afterwards. Without it the result is not checked."),
        ),
        fields.Text(
            "sha256", _("SHA-256"), name="sha256", most=100, help=_("Of the file, to check the signature.")
        ),
        fields.Text(
            "signature", _("Signature"), most=MOST_SIGNATURE, lines=3, help=_("Base64, over the whole file.")
        ),
        fields.Text(
            "signing_certificate", _("Signing certificate"), most=MOST_CERTIFICATE, lines=6, help=_("PEM.")
        ),
        fields.Text(
            "retrieve_at",
            _("Download from"),
            most=40,
            help=_("Such as 2026-11-28T14:00:00Z; empty: at once."),
        ),
        fields.Text(
            "install_at",
            _("Install from"),
            most=40,
            help=_("Empty: after the download. OCPP 1.6 has it for signed firmware only."),
        ),
        fields.Whole("retries", _("Retries"), most=_MOST_RETRIES, help=_("If the download fails.")),
        fields.Whole("retry_interval", _("Retry interval"), help=_("Seconds between two attempts.")),
    ),
    needs=Needs(profile="FirmwareManagement"),
    prepare=_prepare,
    run=_update,
    rest=Rest(
        answer="chargepoints.views.firmware_updates.UpdateRequestedSerializer",
        description="A 1.6 station gets SignedUpdateFirmware for signed firmware, and UpdateFirmware if it "
        "does not know that. GET /api/v1/firmware-updates/{updateId} returns the progress and the result, "
        "which is checked with the version of the next boot.",
    ),
)
