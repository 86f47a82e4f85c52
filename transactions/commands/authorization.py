"""Empty a station's authorization cache (1.6 5.4, 2.x C11)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.capabilities import Needs
from ocpp_server.commanding import command

CLEAR_CACHE = command(
    "clear-cache",
    _("Clear cache"),
    _("Delete the tokens that the station has cached."),
    action="ClearCache",
    icon="cleaning_services",
    position=90,
    needs=Needs(variable="AuthCacheCtrlr.Available"),
)
