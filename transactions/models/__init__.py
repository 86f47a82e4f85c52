from transactions.models.access_rule import AccessRule
from transactions.models.counter import Counter
from transactions.models.meter_value import MeterValue
from transactions.models.monthly_energy import MonthlyEnergy, MonthlyEnergyProgress
from transactions.models.quarantine import QuarantinedMessage
from transactions.models.reading import Reading
from transactions.models.refusal import Refusal
from transactions.models.remote_start import RemoteStart
from transactions.models.requested_start import RequestedStart
from transactions.models.reservation import Reservation
from transactions.models.settlement import Settlement
from transactions.models.transaction import Transaction, TransactionEvent

__all__ = [
    "AccessRule",
    "Counter",
    "MeterValue",
    "MonthlyEnergy",
    "MonthlyEnergyProgress",
    "QuarantinedMessage",
    "Reading",
    "Refusal",
    "RemoteStart",
    "RequestedStart",
    "Reservation",
    "Settlement",
    "Transaction",
    "TransactionEvent",
]
