from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = _("Alerts")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from alerts.services.notices import jobs as notices

        notices.register()
