"""Payments at the station (2.1 C25)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import command

NOTIFY_WEB_PAYMENT = command(
    "notify-web-payment",
    _("Notify web payment"),
    _("Tell the station that a driver pays on the web, so that it keeps the EVSE for this session."),
    action="NotifyWebPaymentStarted",
    icon="qr_code_2",
    position=160,
    fields=(
        fields.Evse("evse_number", _("EVSE"), name="evseId", required=True, example=1),
        fields.Whole(
            "timeout_s",
            _("Time limit in s"),
            name="paymentTimeout",
            required=True,
            least=1,
            example=120,
            help=_("How long the station waits for the start of the session."),
        ),
    ),
    spell_2x=lambda *, evse_number, timeout_s: {"evseId": evse_number, "timeout": timeout_s},
    needs=Needs(variable="WebPaymentsCtrlr.Enabled"),
)
