from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SmartChargingConfig(AppConfig):
    """The engine imports the handlers of the app; there is nothing else to register yet."""

    name = "smart_charging"
    verbose_name = _("Smart charging")
