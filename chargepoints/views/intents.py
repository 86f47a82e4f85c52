"""Version-neutral commands: each view parses its body and calls a function that knows both dialects."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.commands.availability import change_availability
from chargepoints.commands.data_transfer import data_transfer
from chargepoints.commands.provisioning import reset
from chargepoints.models import ChargePoint, Command
from chargepoints.serializers import (
    AvailabilityBody,
    DataTransferBody,
    ResetBody,
)
from chargepoints.views.commanding import IntentView, intent


class ResetView(IntentView):
    kind, command, names = ResetBody, (reset,), {"evseId": "evse_number"}

    @intent("Restart the station", ResetBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


async def _availability(charge_point: ChargePoint, *, type: str, evse_number: int = 0, **how: Any) -> Command:
    return await change_availability(
        charge_point, operative=type == "Operative", evse_number=evse_number or None, **how
    )


class AvailabilityView(IntentView):
    kind, command, names = AvailabilityBody, (_availability,), {"connectorId": "evse_number"}

    @intent("Put the station or a connector in or out of service", AvailabilityBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)


class DataTransferView(IntentView):
    kind, command = DataTransferBody, (data_transfer,)
    names = {"vendorId": "vendor_id", "messageId": "message_id"}

    @intent("Send a vendor's message", DataTransferBody)
    def post(self, request: Request, client_id: str) -> Response:
        return self.run(request, client_id)
