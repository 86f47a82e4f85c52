"""Tables for the journal: the models that messages change."""

from accounts.models import Token
from ocpp_server.storage.bulk import Table
from transactions.models import (
    Counter,
    QuarantinedMessage,
    Reading,
    Refusal,
    RemoteStart,
    Reservation,
    Transaction,
    TransactionEvent,
)

COUNTERS = Table(Counter)
EVENTS = Table(
    TransactionEvent,
    once=True,
    # In the order of the rows from `services.transactions.events`.
    order=(
        "transaction_id",
        "seq_no",
        "type",
        "trigger_reason",
        "charging_state",
        "fingerprint",
        "offline",
        "payload",
        "at",
        "received_at",
    ),
    empty=("payload_text",),
)
READINGS = Table(
    Reading,
    once=True,
    # In the order of the rows from `services.metering.readings` and, from the time on, `measured`.
    order=(
        "charge_point_id",
        "transaction_id",
        "evse_number",
        "connector_number",
        "received_at",
        "measured_at",
        "register_mwh",
        "power_w",
        "soc_percent",
        "current_a",
        "voltage_v",
        "sample_count",
        "register_exponent",
        "samples",
        "digest",
    ),
)
QUARANTINE = Table(QuarantinedMessage)
REFUSALS = Table(Refusal)
REMOTE_STARTS = Table(RemoteStart)
RESERVATIONS = Table(Reservation)
TOKENS = Table(Token)
TRANSACTIONS = Table(Transaction)
