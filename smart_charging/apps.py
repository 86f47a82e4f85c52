from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SmartChargingConfig(AppConfig):
    name = "smart_charging"
    verbose_name = _("Smart charging")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from chargepoints.services.campaigns import kinds
        from ocpp_server import charging_profiles, commanding
        from ocpp_server.live import extensions
        from ocpp_server.process import scheduler
        from smart_charging import jobs, live
        from smart_charging.services.smart_charging import campaigns, remote_starts

        extensions.register(live.INSTALLED)
        extensions.register(live.PLANS)
        charging_profiles.start_profiles.fill(remote_starts)
        scheduler.register(jobs.JOBS)
        commanding.announce("smart_charging.commands")
        kinds.register(campaigns.CHARGING_PROFILE, commands={"set-charging-profile": dict})
