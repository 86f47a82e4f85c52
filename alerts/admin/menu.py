"""The menu entries of alerts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.INBOXES, 5, _("Alerts"), "notifications_active", "alerts_alert")
menu.model(menu.DETAILS, 120, _("Alert rules"), "rule", "alerts_alertrule")
menu.model(menu.ACCESS, 50, _("Alert recipients"), "outgoing_mail", "alerts_alertrecipient")
menu.model(menu.LOGS, 95, _("Alert notices"), "mail", "alerts_notification")
menu.page(menu.DETAILS, 125, _("Alert statistics"), "monitoring", "admin:alert-statistics")
