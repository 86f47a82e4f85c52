"""Configuration in the admin: keys, local lists, desired values and templates; one module a noun."""

from configuration.admin import desired, evidence, menu, templates

__all__ = ["desired", "evidence", "menu", "templates"]
