from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "configuration"

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from configuration import live
        from configuration.services.variables import reported
        from ocpp_server import capabilities, commanding
        from ocpp_server.api import extensions as row_extensions
        from ocpp_server.live import extensions

        extensions.keys.fill(live)
        extensions.register(live.STORED_KEYS)
        capabilities.reports.fill(reported)
        commanding.announce("configuration.commands")
        row_extensions.announce("configuration.row_extensions")
