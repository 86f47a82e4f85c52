from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save

# Saving one of these changes who may charge where.
LISTED_BY = (
    "accounts.Token",
    "accounts.User",
    "accounts.Person",
    "accounts.Contract",
    "accounts.Member",
    "accounts.TokenGroup",
    "transactions.AccessRule",
)


class ConfigurationConfig(AppConfig):
    name = "configuration"

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from accounts.services.token_cache import tokens_imported
        from chargepoints.services.campaigns import kinds
        from configuration import jobs, live
        from configuration.commands.variables.campaign import CONFIGURATION
        from configuration.models import (
            ConfigurationTemplate,
            DesiredValue,
            NetworkProfile,
            TemplateAssignment,
        )
        from configuration.services.local_list import campaigns, due
        from configuration.services.network.campaigns import SECURITY_PROFILE
        from configuration.services.variables import reported
        from ocpp_server import capabilities, commanding
        from ocpp_server.api import extensions as row_extensions
        from ocpp_server.live import extensions
        from ocpp_server.local_lists import local_lists
        from ocpp_server.process import scheduler
        from ocpp_server.storage import deletions

        extensions.keys.fill(live)
        extensions.register(live.STORED_KEYS)
        extensions.register(live.STREAMS)
        scheduler.register(jobs.JOBS)
        capabilities.reports.fill(reported)
        local_lists.fill(due)
        commanding.announce("configuration.commands")
        kinds.register(CONFIGURATION)
        kinds.register(campaigns.LOCAL_LIST, commands={"sync-local-list": dict})
        kinds.register(SECURITY_PROFILE, commands={"upgrade-security-profile": dict}, is_only_way=True)
        row_extensions.announce("configuration.row_extensions")
        tokens_imported.connect(due.note_change)
        for saved in (post_save, post_delete):
            for name in LISTED_BY:
                saved.connect(due.note_change, sender=name)
        deletions.keep(ConfigurationTemplate)
        deletions.keep(DesiredValue, parent="charge_point_id", sites=("charge_point.site_id",))
        deletions.keep(NetworkProfile, sites=("charge_point.site_id",))
        deletions.keep(TemplateAssignment, parent="template_id", sites=("site_id", "charge_point.site_id"))
