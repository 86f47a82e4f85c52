"""Start of the accounts API alone, on its own port. `run.py accounts` calls this module."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import django
import uvicorn

from ocpp_server.environment import roles
from ocpp_server.listening import BACKLOG
from ocpp_server.process import start, tls
from ocpp_server.process.server import Server


def serve() -> int:
    """Migrate, create the first login and serve until a signal arrives. Returns the exit status.

    Raises SettingError for a wrong setting.
    """
    roles.begin(roles.Role.ACCOUNTS)
    try:
        with contextlib.ExitStack() as held:
            return _serve(held)
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _serve(held: contextlib.ExitStack) -> int:
    from ocpp_server import accounts_settings as configured  # raises SettingError

    listeners = held.enter_context(start.listen(configured.ENVIRONMENT, name="ACCOUNTS_PORT"))
    if not configured.REDIS_DISTRIBUTED_STATE:
        # Without Redis, another process would not get the news that a token was blocked here.
        held.enter_context(start.sole_server(configured.DATA_DIR))
    django.setup()
    if configured.REDIS_DISTRIBUTED_STATE:
        start.require_redis(configured.REDIS_URL)
        start.require_migrated()
        first_login = {}
    else:
        first_login = start.prepare_database(demo=False)
    banner = _banner(configured.ENVIRONMENT, first_login)
    start.run_server(Server(_uvicorn_config(), banner=banner), listeners)
    print("The accounts API has stopped.", flush=True)
    return 0


def _uvicorn_config() -> uvicorn.Config:
    # Imported here, because importing the settings raises SettingError for a wrong environment variable.
    from ocpp_server import accounts_settings as configured

    http, _ = start.protocols(is_plain=configured.ENVIRONMENT["HTTP_PLAIN_SOCKETS"])
    return uvicorn.Config(
        "ocpp_server.process.accounts_asgi:application",
        loop="uvloop",
        http=http,
        ws="none",
        log_config=None,  # Django's LOGGING is already configured
        access_log=False,
        server_header=False,
        forwarded_allow_ips=configured.ENVIRONMENT["FORWARDED_ALLOW_IPS"],
        timeout_graceful_shutdown=int(configured.ENVIRONMENT["SHUTDOWN_GRACE"]),
        backlog=BACKLOG,
        **tls.uvicorn_options(configured.ENVIRONMENT),
    )


def _banner(values: dict[str, Any], first_login: dict[str, str]) -> str:
    address = start.own_url(values, port="ACCOUNTS_PORT")
    kept = [f"  First start. The credentials are in {first_login['file']}.", ""] if first_login else []
    return "\n".join(
        [
            "",
            "The accounts API is running. Ctrl-C stops it.",
            "",
            f"  API documents  {address}/api/docs/",
            f"  Accounts       {address}/api/v1/",
            "",
            *kept,
        ]
    )
