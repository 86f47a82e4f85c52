from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AggregatesConfig(AppConfig):
    name = "aggregates"
    verbose_name = _("Aggregates")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from aggregates import jobs, metrics
        from aggregates.models import MaintenanceWindow
        from ocpp_server.observability import fleet
        from ocpp_server.process import scheduler
        from ocpp_server.storage import deletions

        scheduler.register(jobs.JOBS)
        fleet.register(metrics.FLEET)
        deletions.keep(MaintenanceWindow, sites=("site_id", "charge_point.site_id"))
