from django.apps import AppConfig


class ChargePointsConfig(AppConfig):
    name = "chargepoints"
    verbose_name = "Charge points"

    def ready(self) -> None:
        from ocpp_server import checks, handlers

        handlers.load()
        checks.register()
