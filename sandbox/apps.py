from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SandboxConfig(AppConfig):
    name = "sandbox"
    verbose_name = _("Sandbox")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from ocpp_server.process import scheduler
        from sandbox import jobs

        scheduler.register(jobs.JOBS)
