"""The menu entries of sessions, reservations, access rules and refused tokens."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.OVERVIEW, 30, _("Sessions"), "bolt", "transactions_transaction")
menu.model(menu.CHARGING, 60, _("Access rules"), "rule_settings", "transactions_accessrule")
menu.model(menu.CHARGING, 70, _("Refused tokens"), "do_not_disturb_on", "transactions_refusal")
menu.model(menu.CHARGING, 80, _("Reservations"), "event_available", "transactions_reservation")
menu.model(menu.INBOXES, 30, _("Quarantined messages"), "report", "transactions_quarantinedmessage")
menu.model(menu.LOGS, 30, _("Settlements"), "gavel", "transactions_settlement")
menu.model(menu.LOGS, 40, _("Remote starts"), "play_circle", "transactions_remotestart")
menu.model(menu.DETAILS, 20, _("Meter values"), "speed", "transactions_reading")
menu.model(menu.DEVELOPER, 20, _("Transaction events"), "timeline", "transactions_transactionevent")
menu.model(menu.DEVELOPER, 30, _("Counters"), "pin", "transactions_counter")
