from configuration.models.desired import ConfigurationTemplate, DesiredValue, TemplateAssignment
from configuration.models.key import ReportedKey, StoredKey
from configuration.models.local_list import ListChange, LocalList
from configuration.models.monitor import EventStream, StreamMessage, VariableMonitor
from configuration.models.network import NetworkProfile
from configuration.models.state import ConfigurationState

__all__ = [
    "ConfigurationState",
    "ConfigurationTemplate",
    "DesiredValue",
    "EventStream",
    "ListChange",
    "LocalList",
    "NetworkProfile",
    "ReportedKey",
    "StoredKey",
    "StreamMessage",
    "TemplateAssignment",
    "VariableMonitor",
]
