"""PublishFirmware and UnpublishFirmware, for local controllers (2.x L03, L04)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, PublishedFirmware
from chargepoints.services import asking
from chargepoints.services.firmware import files, publishing
from chargepoints.services.firmware.publishing import Wish
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.given_addresses import MOST_CHARACTERS
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal

_ACTION: Final = "PublishFirmware"
_MOST_RETRIES: Final = 100
_EXAMPLE: Final = "0123456789abcdef0123456789abcdef"


async def _prepare(
    charge_point: ChargePoint, *, retries: int | None = None, retry_interval: int | None = None, **given: Any
) -> dict[str, Any]:
    tries = {"retries": retries, "retryInterval": retry_interval}
    return {
        "wanted": await journal.run(lambda: publishing.wish(**given)),
        "tries": {name: value for name, value in tries.items() if value is not None},
    }


async def _publish(
    charge_point: ChargePoint,
    *,
    wanted: Wish,
    tries: dict[str, int],
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Result:
    number = new_number()
    location = await journal.run(publishing.address, charge_point, wanted)
    sent = await asking.send(
        charge_point,
        _ACTION,
        {"requestId": number, "location": location, "checksum": wanted.checksum, **tries},
        model=PublishedFirmware,
        create=lambda command_id: publishing.create(
            charge_point, wanted, number, command_id=command_id, actor=actor
        ),
        actor=actor,
        timeout=timeout,
        wait=wait,
    )
    row = await journal.run(publishing.settle, sent.pk)
    shown = {} if row is None else {"state": row.state, "reason": row.reason}
    return Result(sent, {"publicationId": sent.pk, "publishRequestId": number, **shown})


PUBLISH_FIRMWARE = command(
    "publish-firmware",
    _("Publish firmware"),
    _("Let a local controller download a firmware and offer it to the stations behind it."),
    action=_ACTION,
    icon="publish",
    position=130,
    fields=(
        fields.Listed("firmware", _("Firmware"), rows=files.newest, help=_("A firmware of this server.")),
        fields.Text(
            "location",
            _("Another address"),
            most=MOST_CHARACTERS,
            help=_("Only without a firmware of this server."),
        ),
        fields.Text(
            "checksum",
            _("MD5"),
            most=32,
            help=_("Of the file: 32 hexadecimal digits. That of the firmware of this server is known."),
        ),
        fields.Whole("retries", _("Retries"), most=_MOST_RETRIES, help=_("If the download fails.")),
        fields.Whole("retry_interval", _("Retry interval"), help=_("Seconds between two attempts.")),
    ),
    prepare=_prepare,
    run=_publish,
    rest=Rest(
        answer="chargepoints.serializers.publishing.PublishRequestedSerializer",
        description="GET .../published-firmware/{publicationId} has the progress, and in the end the "
        "addresses for update-firmware of the stations behind the controller.",
    ),
)


async def _checked(charge_point: ChargePoint, *, checksum: str) -> dict[str, Any]:
    return {"checksum": publishing.checked_md5(checksum)}


UNPUBLISH_FIRMWARE = command(
    "unpublish-firmware",
    _("Unpublish firmware"),
    _("Let a local controller offer a firmware no longer."),
    action="UnpublishFirmware",
    icon="unpublished",
    position=131,
    fields=(
        fields.Text(
            "checksum",
            _("MD5"),
            required=True,
            most=32,
            example=_EXAMPLE,
            help=_("Of the file that is published."),
        ),
    ),
    prepare=_checked,
)
