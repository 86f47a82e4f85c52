"""Start the accounts API alone, on its own port: `run.py accounts` comes here."""

from __future__ import annotations

import contextlib
import sys

import uvicorn

from ocpp_server import start


def serve() -> int:
    """Migrate, make the first login, serve until a signal comes. Returns the exit status.

    Raises SettingError for a wrong setting.
    """
    try:
        with contextlib.ExitStack() as held:
            return _serve(held)
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _serve(held: contextlib.ExitStack) -> int:
    import django

    from ocpp_server import accounts_settings as configured

    port = configured.ENVIRONMENT["ACCOUNTS_PORT"]
    listener = held.enter_context(start.listen(port, name="ACCOUNTS_PORT"))
    if not configured.REDIS_DISTRIBUTED_STATE:
        # Without Redis another process would not hear that a token was blocked here.
        held.enter_context(start.sole_server(configured.DATA_DIR))
    django.setup()
    if configured.REDIS_DISTRIBUTED_STATE:
        start.require_redis(configured.REDIS_URL)
    first_login = start.prepare_database(demo=False)
    start.run_server(start.Server(_uvicorn_config(), banner=_banner(port, first_login)), listener)
    print("The accounts API has stopped.", flush=True)
    return 0


def _uvicorn_config() -> uvicorn.Config:
    from ocpp_server import accounts_settings as configured
    from ocpp_server.sockets import Front

    return uvicorn.Config(
        "ocpp_server.accounts_asgi:application",
        loop="uvloop",
        http=Front,
        ws="none",
        log_config=None,  # Django's LOGGING is in force already
        access_log=False,
        server_header=False,
        forwarded_allow_ips=configured.ENVIRONMENT["FORWARDED_ALLOW_IPS"],
        timeout_graceful_shutdown=int(configured.ENVIRONMENT["SHUTDOWN_GRACE"]),
        backlog=start.BACKLOG,
    )


def _banner(port: int, first_login: dict[str, str]) -> str:
    kept = [f"  First start. The credentials are in {first_login['file']}.", ""] if first_login else []
    return "\n".join(
        [
            "",
            "The accounts API is running. Ctrl-C stops it.",
            "",
            f"  API documents  http://localhost:{port}/api/docs/",
            f"  Accounts       http://localhost:{port}/api/v1/",
            "",
            *kept,
        ]
    )
