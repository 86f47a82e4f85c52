from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = _("Alerts")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from alerts import jobs, metrics
        from alerts.models import AlertRecipient, AlertRule
        from alerts.services import logins, rules
        from alerts.services.notices import jobs as notices
        from ocpp_server import credentials
        from ocpp_server.observability import fleet
        from ocpp_server.process import scheduler
        from ocpp_server.storage import deletions

        notices.register()
        scheduler.register(jobs.JOBS)
        fleet.register(metrics.FLEET)
        credentials.on_failed_login(logins.note)
        deletions.keep(AlertRecipient)
        deletions.keep(AlertRule, sites=("site_id", "charge_point.site_id"))
        post_migrate.connect(rules.create_missing, sender=self)
