"""Remote starts that a station has accepted, while they wait for their transactions."""

from __future__ import annotations

from datetime import datetime

import msgspec

from accounts.models.token import normalise_uid
from ocpp_server.live.extensions import ByKey, Slot
from transactions.models import RemoteStart, RequestedStart


class ExpectedStart(msgspec.Struct):
    """A remote start that was accepted and has not led to a transaction yet."""

    pk: int
    evse: int | None
    token_key: str
    remote_start_id: int | None
    expires_at: datetime
    id_token: str = ""
    id_token_type: str = ""
    command_id: str = ""
    limits: dict[str, float] = {}


def load_expected_starts(by_pk: ByKey) -> None:
    """Load the accepted remote starts that have not led to a transaction yet."""
    waiting = list(RemoteStart.objects.filter(charge_point__in=by_pk, outcome=RemoteStart.Outcome.WAITING))
    noted = RequestedStart.objects.filter(pk__in=[expected.command_id for expected in waiting])
    limits = dict(noted.values_list("pk", "limits")) if waiting else {}
    for expected in waiting:
        for station in by_pk[expected.charge_point_id]:
            EXPECTED_STARTS.of(station).append(
                ExpectedStart(
                    pk=expected.pk,
                    evse=expected.evse_number,
                    token_key=normalise_uid(expected.id_token),
                    remote_start_id=expected.remote_start_id,
                    expires_at=expected.expires_at,
                    id_token=expected.id_token,
                    id_token_type=expected.id_token_type,
                    command_id=expected.command_id,
                    limits=limits.get(expected.command_id) or {},
                )
            )


EXPECTED_STARTS = Slot(name="expected_starts", empty=list[ExpectedStart], load=load_expected_starts)
