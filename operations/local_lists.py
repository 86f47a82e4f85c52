"""The local list of a station on its page: whether it is up to date, and how many tokens it has."""

from __future__ import annotations

from django.utils.translation import gettext

from chargepoints.models import ChargePoint
from configuration.services.local_list import shown
from ocpp_server.admin import cells, tones


def cell(charge_point: ChargePoint) -> cells.Cell:
    """The state of the list; for a list that was never sent, that the server leaves it alone."""
    row = shown.stored(charge_point)
    if row is None:
        return cells.text("–", note=gettext("Not managed. Use “Update local list” to send one."))
    words = [row.reason]
    if row.share:
        words.append(gettext("%(share)s tokens") % {"share": row.share})
    if row.version is not None:
        words.append(gettext("version %(version)d") % {"version": row.version})
    if not row.is_automatic:
        words.append(gettext("no automatic updates"))
    note = ", ".join(filter(None, (word.removesuffix(".") for word in words)))
    return cells.label(row.get_state_display(), tones.LOCAL_LIST[row.state], note=note)
