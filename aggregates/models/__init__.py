from aggregates.models.maintenance import MaintenanceWindow

__all__ = ["MaintenanceWindow"]
