"""DataTransfer: vendors' own messages (1.6 5.5, 2.x P01)."""

from __future__ import annotations

from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.commanding import command


def _spell_16(*, data: Any = None, **rest: Any) -> dict[str, Any]:
    """1.6 allows text only, so other data is sent as JSON text."""
    text = data if data is None or isinstance(data, str) else orjson.dumps(data).decode()
    return _spell_2x(data=text, **rest)


def _spell_2x(*, vendor_id: str, message_id: str | None = None, data: Any = None) -> dict[str, Any]:
    payload = {"vendorId": vendor_id, "messageId": message_id, "data": data}
    return {name: value for name, value in payload.items() if value is not None}


DATA_TRANSFER = command(
    "data-transfer",
    _("Data transfer"),
    _("Send a vendor-specific message."),
    action="DataTransfer",
    icon="data_object",
    position=100,
    fields=(
        fields.Text("vendor_id", _("Vendor"), required=True, most=255, example="com.example"),
        fields.Text("message_id", _("Message"), most=50),
        fields.Json(
            "data",
            _("Data"),
            text_is_json=False,
            help=_("A 1.6 station gets anything other than a text as JSON text."),
        ),
    ),
    spell_16=_spell_16,
    spell_2x=_spell_2x,
)
