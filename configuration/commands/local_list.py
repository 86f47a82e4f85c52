"""The local authorization list of a station (1.6 5.10, 5.15; 2.0.1 D01, D02)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from configuration.services.local_list import due, shown, syncing
from configuration.services.local_list.limits import NEEDS
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls


async def _sync(
    charge_point: ChargePoint, *, actor: str, timeout: float | None, wait: bool, full: bool = False
) -> Result:
    if wait:
        synced = await syncing.sync(charge_point, actor=actor, timeout=timeout, is_full=full)
        return Result(synced.command, shown.summary(synced.row))
    await calls.check(charge_point, syncing.ASK, {})  # a list of a station that can't be asked is not due
    await journal.run(due.request, charge_point.pk, datetime.now(UTC), is_full=full)
    asked: Command = await calls.call(charge_point, syncing.ASK, {}, actor=actor, timeout=timeout, wait=False)
    return Result(asked)


SYNC_LOCAL_LIST = command(
    "sync-local-list",
    _("Update local list"),
    _("Send the tokens that may charge at the station, for times when it is offline."),
    action=syncing.SEND,
    icon="playlist_add_check",
    position=92,
    fields=(
        fields.Flag(
            "full",
            _("Replace the whole list"),
            help=_("Otherwise the changes alone are sent where the server knows the station's list."),
        ),
    ),
    run=_sync,
    needs=NEEDS,
    rest=Rest(
        noun="the local list",
        answer="configuration.serializers.SyncedListSerializer",
        description="The list follows from tokens, groups, contracts and access rules. The station is asked "
        "for its version, then gets a Full list or a Differential update, in as many messages as its limits "
        "need. From the first update on, a change of a token or a rule updates the list by itself. With "
        "`wait=false` the update runs later: GET .../local-list has its result.",
    ),
)

GET_LOCAL_LIST_VERSION = command(
    "get-local-list-version",
    _("Get local list version"),
    _("Read the version of the local list at the station."),
    action=syncing.ASK,
    icon="playlist_play",
    position=94,
    needs=NEEDS,
)
