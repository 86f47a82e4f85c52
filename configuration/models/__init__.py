from configuration.models.desired import ConfigurationTemplate, DesiredValue, TemplateAssignment
from configuration.models.key import ReportedKey, StoredKey
from configuration.models.local_list import ListChange, LocalList
from configuration.models.state import ConfigurationState

__all__ = [
    "ConfigurationState",
    "ConfigurationTemplate",
    "DesiredValue",
    "ListChange",
    "LocalList",
    "ReportedKey",
    "StoredKey",
    "TemplateAssignment",
]
