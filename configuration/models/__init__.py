from configuration.models.key import ReportedKey, StoredKey
from configuration.models.local_list import ListChange, LocalList

__all__ = ["ListChange", "LocalList", "ReportedKey", "StoredKey"]
