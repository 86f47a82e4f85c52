"""The menu entries of tariffs, costs and payments."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.LOGS, 35, _("Payments"), "payments", "tariffs_payment")
menu.model(menu.DETAILS, 22, _("Station tariffs"), "sell", "tariffs_stationtariff")
menu.model(menu.DETAILS, 24, _("Session costs"), "receipt_long", "tariffs_sessioncost")
menu.model(menu.LOGS, 36, _("Web payments"), "qr_code_2", "tariffs_webpayment")
menu.model(menu.DETAILS, 26, _("Keys of QR codes"), "key", "tariffs_webpaymentkey")
