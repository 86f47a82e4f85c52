"""The menu entries of stations, sites and their evidence."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.OVERVIEW, 20, _("Stations"), "ev_station", "chargepoints_chargepoint")
menu.model(menu.OVERVIEW, 40, _("Campaigns"), "campaign", "chargepoints_campaign")
menu.model(menu.OVERVIEW, 45, _("Firmware"), "system_update_alt", "chargepoints_firmwarefile")
menu.model(menu.CHARGING, 50, _("Sites"), "location_on", "chargepoints_site")
menu.model(menu.INBOXES, 10, _("Refused connections"), "block", "chargepoints_refusedconnection")
menu.model(menu.LOGS, 10, _("Messages"), "sync_alt", "chargepoints_message")
menu.model(menu.LOGS, 20, _("Commands"), "send", "chargepoints_command")
menu.model(menu.LOGS, 45, _("Station logs"), "troubleshoot", "chargepoints_logupload")
menu.model(menu.LOGS, 47, _("Firmware updates"), "system_update_alt", "chargepoints_firmwareupdate")
menu.model(menu.LOGS, 48, _("Firmware downloads"), "download", "chargepoints_firmwaredownload")
menu.model(menu.DETAILS, 14, _("Published firmware"), "publish", "chargepoints_publishedfirmware")
menu.model(menu.LOGS, 49, _("Battery swaps"), "battery_change", "chargepoints_batteryswap")
menu.model(menu.LOGS, 50, _("Deviations"), "rule", "chargepoints_deviation")
menu.model(menu.LOGS, 60, _("Security events"), "shield", "chargepoints_securityevent")
menu.model(menu.LOGS, 55, _("Security profiles"), "shield_lock", "chargepoints_securityprofilechange")
menu.model(menu.LOGS, 70, _("Device events"), "sensors", "chargepoints_deviceevent")
menu.model(menu.LOGS, 80, _("Reports"), "summarize", "chargepoints_reportassembly")
menu.model(menu.LOGS, 90, _("Follow-ups"), "reply_all", "chargepoints_followup")
menu.model(menu.DETAILS, 10, _("Connectors"), "power", "chargepoints_connector")
menu.model(menu.DETAILS, 12, _("Display messages"), "sms", "chargepoints_displaymessage")
menu.model(menu.DETAILS, 15, _("Notes"), "sticky_note_2", "chargepoints_note")
menu.model(menu.DEVELOPER, 10, _("EVSEs"), "local_parking", "chargepoints_evse")
