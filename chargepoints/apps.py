from django.apps import AppConfig


class ChargePointsConfig(AppConfig):
    name = "chargepoints"
    verbose_name = "Charge points"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_login_failed
        from django.db.models.signals import post_migrate, pre_migrate

        from chargepoints import live
        from ocpp_server import checks, handlers
        from ocpp_server.admin import logins
        from ocpp_server.live import extensions
        from ocpp_server.storage import database

        extensions.rows.fill(live)
        extensions.register(live.CONNECTORS)
        handlers.load()
        checks.register()
        user_login_failed.connect(logins.note_failure)
        pre_migrate.connect(database.lift_limits, sender=self)
        post_migrate.connect(database.set_limits, sender=self)
