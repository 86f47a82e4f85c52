"""Tables for the journal: the models that messages change."""

from ocpp_server.storage.bulk import Table
from tariffs.models import SessionCost

# The first message about the cost of a session inserts its row, and each one updates it.
SESSION_COSTS = Table(SessionCost, once=True)
