"""Tables for the journal: the models that messages change."""

from chargepoints.models import (
    BatterySwap,
    ChargePoint,
    Command,
    Connector,
    DeviceEvent,
    DisplayMessage,
    FollowUp,
    Message,
    PublishedFirmware,
    SecurityEvent,
    SwappedBattery,
)
from chargepoints.models.charge_point import UNSTAMPED
from ocpp_server.storage.bulk import Table

# A row whose command has stored it already is skipped.
BATTERY_SWAPS = Table(BatterySwap, once=True)
CHARGE_POINTS = Table(ChargePoint, stamp="updated_at", unstamped=UNSTAMPED)
COMMANDS = Table(Command)
CONNECTORS = Table(Connector)
DEVICE_EVENTS = Table(DeviceEvent, once=True)
DISPLAY_MESSAGES = Table(DisplayMessage, once=True)
FOLLOW_UPS = Table(FollowUp, once=True, empty=("payload_text",))
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
PUBLISHED_FIRMWARE = Table(PublishedFirmware, once=True)
SECURITY_EVENTS = Table(SecurityEvent)
SWAPPED_BATTERIES = Table(SwappedBattery, once=True)
