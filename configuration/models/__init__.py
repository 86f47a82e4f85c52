from configuration.models.key import ReportedKey, StoredKey

__all__ = ["ReportedKey", "StoredKey"]
