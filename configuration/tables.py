"""Tables for the journal: the models that messages change."""

from configuration.models import ConfigurationState
from ocpp_server.storage.bulk import Table

CONFIGURATION_STATES = Table(ConfigurationState, once=True)
