"""Tables for the journal: the models that messages change."""

from chargepoints.models import ChargePoint, Command, Connector, DeviceEvent, FollowUp, Message, SecurityEvent
from ocpp_server.storage.bulk import Table

CHARGE_POINTS = Table(ChargePoint)
COMMANDS = Table(Command)
CONNECTORS = Table(Connector)
DEVICE_EVENTS = Table(DeviceEvent, once=True)
FOLLOW_UPS = Table(FollowUp, once=True)
MESSAGES = Table(
    Message,
    # The order of the tuples that `message_log` makes.
    order=(
        "charge_point_id",
        "direction",
        "message_id",
        "action",
        "request",
        "response",
        "error_code",
        "error_description",
        "size",
        "duration_ms",
        "at",
    ),
    empty=("request_text", "response_text"),
)
SECURITY_EVENTS = Table(SecurityEvent)
