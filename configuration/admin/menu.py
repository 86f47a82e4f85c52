"""The menu entries of keys, local lists, desired values, templates, monitors and network profiles."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.DETAILS, 30, _("Stored keys"), "key_vertical", "configuration_storedkey")
menu.model(menu.DETAILS, 40, _("Reported keys"), "fact_check", "configuration_reportedkey")
menu.model(menu.DETAILS, 50, _("Local lists"), "playlist_add_check", "configuration_locallist")
menu.model(menu.DETAILS, 60, _("Desired values"), "checklist", "configuration_desiredvalue")
menu.model(menu.DETAILS, 70, _("Templates"), "content_copy", "configuration_configurationtemplate")
menu.model(menu.DETAILS, 72, _("Monitors"), "monitor_heart", "configuration_variablemonitor")
menu.model(menu.DETAILS, 74, _("Event streams"), "stream", "configuration_eventstream")
menu.model(menu.DETAILS, 75, _("Network profiles"), "lan", "configuration_networkprofile")
