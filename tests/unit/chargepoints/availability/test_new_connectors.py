"""A connector is made with its first report, up to the largest number that a column holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chargepoints.models import Connector
from chargepoints.services.availability import connector_at
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.versions import V201
from tests.direct.station import DirectStation

LARGEST = 2**31 - 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("evse", "number"), [(1, 1), (LARGEST, 2), (2, LARGEST)])
async def test_a_new_connector_has_its_row_and_is_known_from_then_on(
    station: Callable[..., Awaitable[DirectStation]],
    run_orm: Callable[..., Awaitable[Any]],
    evse: int,
    number: int,
) -> None:
    garage = (await station(V201)).station

    made = await connector_at(garage, Place(evse, number), is_provisional=True)
    again = await connector_at(garage, Place(evse, number))

    row = await run_orm(Connector.objects.select_related("evse").get)
    assert made is not None
    assert (made.pk, made.evse, made.number) == (row.pk, evse, number)
    assert (row.evse.number, row.number, row.is_provisional) == (evse, number, True)
    assert again is made is garage.connectors[evse, number]
