from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import module_has_submodule

PROJECT = Path(__file__).resolve().parent.parent


class EngineConfig(AppConfig):
    """The engine as an installed app: its commands, static files and template tags. It has no models."""

    name = "ocpp_server"

    def ready(self) -> None:
        # Imported here, because these modules read Django's settings and models, which are complete only now.
        from ocpp_server import checks
        from ocpp_server.admin import logins
        from ocpp_server.api import server
        from ocpp_server.observability import metrics
        from ocpp_server.observability.fleet import FleetCollector
        from ocpp_server.process import engine, jobs, readiness, scheduler
        from ocpp_server.process.metrics import EngineCollector
        from ocpp_server.storage import database
        from ocpp_server.transport.queue.metrics import QueueCollector

        load_handlers()
        checks.register()
        scheduler.register(jobs.JOBS)
        server.port.fill(engine)
        readiness.register()
        metrics.register(EngineCollector)
        metrics.register(lambda: FleetCollector(engine.is_running), of=metrics.FLEET_ROLES)
        metrics.register(QueueCollector, when=lambda: settings.REDIS_DISTRIBUTED_STATE)
        user_login_failed.connect(logins.note_failure)
        # Django sends these signals once for each app with models. The limits are lifted before the first app
        # and set again after the last one: the handlers of `post_migrate` may take longer than a query too.
        with_models = [config for config in apps.get_app_configs() if config.models_module is not None]
        pre_migrate.connect(database.lift_limits, sender=with_models[0])
        post_migrate.connect(database.set_limits, sender=with_models[-1])


def load_handlers() -> None:
    """Import every module of the package `handlers` of each app of this project: that registers the handlers.

    Raises RegistrationError for a second handler of an action.
    """
    for config in apps.get_app_configs():
        is_ours = Path(config.path).resolve().parent == PROJECT
        if not is_ours or config.module is None or not module_has_submodule(config.module, "handlers"):
            continue
        package = importlib.import_module(f"{config.name}.handlers")
        for module in pkgutil.walk_packages(getattr(package, "__path__", []), f"{package.__name__}."):
            importlib.import_module(module.name)
