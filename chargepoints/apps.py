from django.apps import AppConfig


class ChargePointsConfig(AppConfig):
    name = "chargepoints"
    verbose_name = "Charge points"

    def ready(self) -> None:
        # The modules below import models, which exist only now.
        from chargepoints import jobs, live
        from ocpp_server.live import extensions
        from ocpp_server.process import scheduler

        extensions.rows.fill(live)
        extensions.register(live.CONNECTORS)
        scheduler.register(jobs.JOBS)
        scheduler.register_recovery(jobs.recover)
