"""Messages on a station's display (2.0.1 O)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import command

CLEAR_DISPLAY_MESSAGE = command(
    "clear-display-message",
    _("Clear display message"),
    _("Delete a message from the station's display."),
    action="ClearDisplayMessage",
    icon="speaker_notes_off",
    fields=(fields.Whole("message_id", _("Message ID"), required=True, example=5),),
    spell_2x=lambda *, message_id: {"id": message_id},
    needs=Needs(variable="DisplayMessageCtrlr.Available"),
)
