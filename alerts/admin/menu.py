"""The menu entries of alerts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.INBOXES, 5, _("Alerts"), "notifications_active", "alerts_alert")
menu.model(menu.DETAILS, 120, _("Alert rules"), "rule", "alerts_alertrule")
