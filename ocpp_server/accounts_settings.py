"""Django's settings of the accounts API alone: the server's own, with fewer addresses."""

from ocpp_server.settings import *  # noqa: F403

ROOT_URLCONF = "ocpp_server.accounts_urls"
ASGI_APPLICATION = "ocpp_server.process.accounts_asgi.application"
