"""Tables for the journal: the models that messages change."""

from ocpp_server.storage.bulk import Table
from smart_charging.models import InstalledProfile

INSTALLED_PROFILES = Table(InstalledProfile)
