"""Configuration in the admin: keys, local lists, desired values, templates, monitors; one module a noun."""

from configuration.admin import desired, evidence, menu, monitoring, templates

__all__ = ["desired", "evidence", "menu", "monitoring", "templates"]
