"""A row of every model of the configuration with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint
from configuration.models import (
    ConfigurationTemplate,
    DesiredValue,
    EventStream,
    LocalList,
    NetworkProfile,
    ReportedKey,
    StoredKey,
    StreamMessage,
    VariableMonitor,
)
from tests.admin.rows import NOON


def rows(station: ChargePoint, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    stream = EventStream.objects.create(charge_point=station, stream_id=1, monitor_id=1, opened_at=NOON)
    template = ConfigurationTemplate.objects.create(name=bad, description=bad, values={bad: bad})
    return [
        StoredKey.objects.create(charge_point=station, key=bad, value=bad),
        ReportedKey.objects.create(
            charge_point=station,
            key=bad,
            value=bad,
            mutability="ReadWrite",
            characteristics={"dataType": bad[:20], "unit": bad[:50], "valuesList": bad},
            attributes={"Target": {"value": bad, "mutability": "ReadOnly"}},
            reported_at=NOON,
        ),
        NetworkProfile.objects.create(
            charge_point=station,
            slot=1,
            state="refused",
            reason=bad,
            csms_url=bad,
            identity=bad[:48],
            message_timeout=30,
            security_profile=1,
            actor=bad[:150],
            sent_at=NOON,
        ),
        LocalList.objects.create(charge_point=station, reason=bad, last_command=bad[:36]),
        VariableMonitor.objects.create(
            charge_point=station,
            monitor_id=1,
            component=bad[:50],
            component_instance=bad[:50],
            variable=bad[:50],
            variable_instance=bad[:50],
            type=bad[:32],
            value=1,
            severity=9,
            kind=bad[:32],
            reported_at=NOON,
        ),
        stream,
        StreamMessage.objects.create(stream=stream, base_at=NOON, data=[[0, bad]], received_at=NOON),
        template,
        DesiredValue.objects.create(
            charge_point=station, key=bad, value=f"{bad}1", template=template, state="refused", reason=bad
        ),
    ]
