from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class TransactionsConfig(AppConfig):
    name = "transactions"

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from accounts.services.token_cache import forget_tokens
        from ocpp_server import commanding
        from ocpp_server.api import extensions
        from ocpp_server.observability import fleet
        from ocpp_server.process import scheduler
        from ocpp_server.sessions import sessions
        from ocpp_server.storage import deletions
        from ocpp_server.transport import quarantine as port_of_quarantine
        from transactions import jobs, live, metrics
        from transactions.models import AccessRule
        from transactions.services.transactions import for_other_apps, quarantine

        port_of_quarantine.port.fill(quarantine)
        sessions.fill(for_other_apps)
        live.register()
        commanding.announce("transactions.commands")
        scheduler.register(jobs.JOBS)
        extensions.announce("transactions.row_extensions")
        fleet.register(metrics.FLEET)
        post_save.connect(forget_tokens, sender="transactions.AccessRule")
        post_delete.connect(forget_tokens, sender="transactions.AccessRule")
        deletions.keep(AccessRule, sites=("site_id", "charge_point.site_id"))
