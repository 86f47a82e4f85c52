from django.apps import AppConfig


class EngineConfig(AppConfig):
    """The engine as an installed app: its commands, static files and template tags. It has no models."""

    name = "ocpp_server"
