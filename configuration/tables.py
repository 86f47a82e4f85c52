"""Tables for the journal: the models that messages change."""

from configuration.models import ConfigurationState, EventStream, StreamMessage
from ocpp_server.storage.bulk import Table

CONFIGURATION_STATES = Table(ConfigurationState, once=True)
EVENT_STREAMS = Table(EventStream, once=True)
STREAM_MESSAGES = Table(StreamMessage)
