from aggregates.models.hours import ConnectorHour, ContractHour
from aggregates.models.maintenance import MaintenanceWindow
from aggregates.models.outage import ObservedConnector, Outage
from aggregates.models.progress import Progress, Recount

__all__ = [
    "ConnectorHour",
    "ContractHour",
    "MaintenanceWindow",
    "ObservedConnector",
    "Outage",
    "Progress",
    "Recount",
]
