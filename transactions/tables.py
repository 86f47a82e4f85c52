"""The models that change with every message, as the journal writes them."""

from ocpp_server.bulk import Table
from transactions.models import (
    Counter,
    MeterValue,
    QuarantinedMessage,
    RemoteStart,
    Transaction,
    TransactionEvent,
)

COUNTERS = Table(Counter)
EVENTS = Table(TransactionEvent, once=True)
METER_VALUES = Table(MeterValue, once=True)
QUARANTINE = Table(QuarantinedMessage)
REMOTE_STARTS = Table(RemoteStart)
TRANSACTIONS = Table(Transaction)
