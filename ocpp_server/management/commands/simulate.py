"""Run simulated charging stations of OCPP 1.6, 2.0.1 and 2.1 against this or any other server."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ocpp_server.environment.env import SettingError
from ocpp_server.management.secure_demo import begin
from ocpp_server.process.tls import loopback_context
from simulator.console import add_arguments, run
from simulator.network import WITH_CERTIFICATE


class Command(BaseCommand):
    help = "Run simulated charging stations against a server and show how fast it answers."
    # The simulated stations use only the network: they need neither models nor the database.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser, url=_own_endpoint())

    def handle(self, *args: Any, **options: Any) -> None:
        tls = None
        is_secure_demo = options["demo"] and options["security"] == WITH_CERTIFICATE
        if settings.TLS_CERT and (is_secure_demo or options["url"] == _own_endpoint()):
            try:
                tls = loopback_context(settings.ENVIRONMENT)
            except SettingError as error:
                raise CommandError(str(error)) from None
        code = run(options, tls=tls, beside=begin)
        if code:
            sys.exit(code)


def _own_endpoint() -> str:
    """The WebSocket address on this machine of the server with these settings."""
    return settings.LOOPBACK_URL.replace("http", "ws", 1) + "/ocpp"
