"""Django's settings of the role accounts: those of the server, with fewer URLs."""

from ocpp_server.settings import *  # noqa: F403

ROOT_URLCONF = "ocpp_server.accounts_urls"
ASGI_APPLICATION = "ocpp_server.process.accounts_asgi.application"
