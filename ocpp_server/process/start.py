"""Start of the embedded server, and functions for the start of every role. `run.py` calls this module."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import django
import redis
import uvicorn
from django.core.management import CommandError, call_command
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from ocpp_server import listening
from ocpp_server.environment import env
from ocpp_server.environment.env import SettingError
from ocpp_server.listening import Listeners
from ocpp_server.process import embedded_signer, tls
from ocpp_server.process.server import Server

# The key of the advisory lock in PostgreSQL: two migrations at once would both create the same table.
MIGRATION_LOCK = 0x0C99


class StartError(Exception):
    """The server cannot start. `str(error)` is a sentence with the reason; `code` is the exit status."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def serve(*, demo: bool = False, simulate: Sequence[str] = ()) -> int:
    """Migrate, create the first login and serve until a signal arrives. Returns the exit status.

    `simulate` are more options for the simulator of the demo. Raises SettingError for a wrong setting.
    """
    try:
        with contextlib.ExitStack() as held:
            return _serve(held, demo=demo, options=simulate)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _serve(held: contextlib.ExitStack, *, demo: bool, options: Sequence[str]) -> int:
    from ocpp_server import settings as configured  # raises SettingError here, before Django could wrap it

    listeners = held.enter_context(listen_to_stations(configured.ENVIRONMENT))
    if not configured.REDIS_DISTRIBUTED_STATE:
        held.enter_context(sole_server(configured.DATA_DIR))
    raise_file_limit()
    django.setup()
    if configured.REDIS_DISTRIBUTED_STATE:
        require_redis(configured.REDIS_URL)
    first_login = prepare_database(demo=demo)
    held.enter_context(embedded_signer.beside(configured))

    simulate = [sys.executable, str(configured.BASE_DIR / "manage.py"), "simulate", "--demo", *options]
    server = Server(
        uvicorn_config(),
        banner=banner(configured.ENVIRONMENT, first_login, demo=demo),
        demo=simulate if demo else None,
    )
    run_server(server, listeners)
    print("The server has stopped.", flush=True)
    return 0


def run_server(server: Server, listeners: Listeners) -> None:
    """Serve until a signal arrives. Raises StartError when the application can't start or was cut off."""
    # This handler is used before uvicorn sets its own and after it has removed them: uvicorn raises the
    # signal again when it has ended, and a requested stop is not an error.
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=listeners)
    server.end_demo()
    if not server.started:
        raise StartError("The server could not start; the log above says why.")
    if server.force_exit:
        raise StartError("The server was stopped before it had finished.")


def protocols(*, is_plain: bool) -> tuple[Any, Any]:
    """The protocol classes for HTTP and WebSockets; with `is_plain` the names of uvicorn's own."""
    if is_plain:
        return "httptools", "websockets-sansio"
    # Imported here, because it may fail with another release of uvicorn or websockets, for which
    # HTTP_PLAIN_SOCKETS exists.
    from ocpp_server.process.sockets import StationHttp, StationSocket

    return StationHttp, StationSocket


def uvicorn_config(application: str = "ocpp_server.asgi:application") -> uvicorn.Config:
    """The configuration of uvicorn for an application with station sockets."""
    # Imported here, because importing the settings raises SettingError for a wrong environment variable.
    from ocpp_server import settings as configured

    http, ws = protocols(is_plain=configured.ENVIRONMENT["HTTP_PLAIN_SOCKETS"])
    ping = configured.ENVIRONMENT["OCPP_PING_INTERVAL"] or None
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=http,
        ws=ws,
        ws_max_size=configured.ENVIRONMENT["OCPP_MAX_FRAME_BYTES"],
        ws_ping_interval=ping,
        ws_ping_timeout=ping,
        log_config=None,  # Django's LOGGING is already configured
        access_log=False,
        server_header=False,
        forwarded_allow_ips=configured.ENVIRONMENT["FORWARDED_ALLOW_IPS"],
        timeout_graceful_shutdown=int(configured.ENVIRONMENT["SHUTDOWN_GRACE"]),
        backlog=listening.BACKLOG,
        **tls.uvicorn_options(configured.ENVIRONMENT),
    )


def listen(values: Mapping[str, Any], *, name: str = "HTTP_PORT", is_shared: bool = False) -> Listeners:
    """The listening sockets of the port that is set by `name`. Call this first, so that nothing has changed
    when the port is in use. Raises StartError.
    """
    port: int = values[name]
    try:
        return listening.listen(values["LISTEN_ADDRESS"], port, is_shared=is_shared)
    except listening.ListenError as failed:
        other = port + 9 if port < 60000 else port - 9
        reason = failed.error.strerror or str(failed.error)
        if isinstance(failed.error, PermissionError):
            sentence = f"{name}: port {port} may only be opened by root; choose one from 1024 up."
        elif failed.error.errno == errno.EADDRINUSE:
            sentence = (
                f"{name}: port {port} is in use by another program; "
                f"stop it or choose another port, such as {name}={other}."
            )
        else:
            sentence = f"LISTEN_ADDRESS: this machine can't listen on {failed.address} ({reason})."
        raise StartError(sentence) from None


def listen_to_stations(values: Mapping[str, Any], *, is_shared: bool = False) -> Listeners:
    """The listening sockets of HTTP_PORT, and of TLS_CLIENT_PORT if there is one.

    Raises StartError, and SettingError for a TLS_CLIENT_PORT without TLS_CERT.
    """
    client_port: int = values["TLS_CLIENT_PORT"]
    if client_port and values["TLS_CERT"] is None:
        raise SettingError("TLS_CLIENT_PORT", "there is no TLS_CERT; the port needs it")
    if client_port == values["HTTP_PORT"]:
        raise SettingError("TLS_CLIENT_PORT", f"port {client_port} is HTTP_PORT already; choose another one")
    listeners = listen(values, is_shared=is_shared)
    if client_port:
        try:
            listeners.extend(listen(values, name="TLS_CLIENT_PORT", is_shared=is_shared))
        except BaseException:
            listeners.close()
            raise
    return listeners


@contextlib.contextmanager
def sole_server(folder: Path) -> Iterator[IO[str]]:
    """Lock DATA_DIR for this process: two embedded servers would each have half of the live state."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open(folder / "server.lock", "w", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError as error:
        reason = f"the folder {folder} can't be written to ({error.strerror})"
        raise env.SettingError("DATA_DIR", reason) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"DATA_DIR: another server is running with {folder}; stop it or choose another folder."
            ) from None
        yield file


def raise_file_limit() -> None:
    """Raise the soft limit of open files: the usual 1,024 allow only a small depot."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):  # macOS allows less than the hard limit that it reports
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_redis(url: str) -> None:
    """Check that Redis answers. Raises StartError."""
    client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
    try:
        client.ping()
    except redis.AuthenticationError:
        needs = "refuses this password" if "@" in url else "wants a password"
        raise StartError(f"REDIS_PASSWORD: Redis {needs}.") from None
    except redis.RedisError as error:
        raise StartError(f"REDIS_ADDR: Redis can't be reached ({_first_line(error).rstrip('.')}).") from None
    finally:
        client.close()


def require_migrated() -> None:
    """Check that the database is migrated. Raises StartError.

    Roles do not migrate themselves, because several start at once, and in several releases.
    """
    connect_once()
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise StartError(f"DATABASE_URL: the database can't be used ({_first_line(error)}).") from None
    finally:
        connections.close_all()
    if missing:
        raise StartError(
            f"DATABASE_URL: the database lacks {len(missing)} migrations of this version; "
            "run python3 run.py migrate once, then start again."
        )


def prepare_database(*, demo: bool) -> dict[str, str]:
    """Migrate and bootstrap; returns the credentials that the first start generates, else an empty dict."""
    output = io.StringIO()
    try:
        connect_once()
        with sole_migration():
            migrate()
            call_command("bootstrap", demo=demo, stdout=output)
    except CommandError as error:
        raise StartError(str(error)) from None
    except DatabaseError as error:
        name = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "DATA_DIR"
        raise StartError(f"{name}: the database can't be used ({_first_line(error)}).") from None
    finally:
        connections.close_all()
    generated: dict[str, str] = json.loads(output.getvalue())
    return generated


def migrate() -> None:
    """Apply the missing migrations. Without any, only send the signals that the command sends.

    The command builds the models of all migrations first, even when none is missing.
    """
    executor = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    else:
        emit_pre_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
        emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)


@contextlib.contextmanager
def sole_migration() -> Iterator[None]:
    """Hold the lock for migrations. A second process waits, and then finds nothing left to migrate."""
    if connection.vendor != "postgresql":
        with open(Path(connection.settings_dict["NAME"]).with_suffix(".migrating"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    import psycopg  # only here: SQLite needs no PostgreSQL driver

    # A connection of its own, so that the lock ends with the process in any case. A lock of the transaction,
    # because a lock of the session would outlive this client in a connection pooler.
    parameters = dict(connection.get_connection_params())
    parameters.pop("pool", None)
    with psycopg.connect(**parameters) as lock:
        # No timeouts: this transaction is idle during the migrations, which may take long.
        lock.execute("SET LOCAL statement_timeout = 0")
        lock.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        lock.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        yield


def connect_once() -> None:
    """Connect to PostgreSQL without the pool, which retries in the background and hides the reason."""
    if connection.vendor != "postgresql":
        return
    import psycopg  # only here: SQLite needs no PostgreSQL driver

    parameters = dict(connection.get_connection_params(), connect_timeout=5)
    parameters.pop("pool", None)
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise StartError(f"DATABASE_URL: the database can't be reached ({reason}).") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def own_url(values: Mapping[str, Any], *, port: str = "HTTP_PORT") -> str:
    """The address of the server for a browser on this machine."""
    scheme = "https" if values["TLS_CERT"] else "http"
    host = listening.own_host(values["LISTEN_ADDRESS"])
    name = "localhost" if host in ("127.0.0.1", "::1") else listening.in_url(host)
    return f"{scheme}://{name}:{values[port]}"


def endpoint(values: Mapping[str, Any]) -> str:
    """The address for stations on the same network, without the identity."""
    scheme, host = (
        "https" if values["TLS_CERT"] else "http",
        listening.reachable_host(values["LISTEN_ADDRESS"]),
    )
    web = values["PUBLIC_URL"] or f"{scheme}://{listening.in_url(host)}:{values['HTTP_PORT']}"
    return f"{web.replace('http', 'ws', 1)}/ocpp"


def certificate_endpoint(values: Mapping[str, Any]) -> list[str]:
    """The line of a banner with the address for stations with client certificates, if there is one."""
    if not values["TLS_CLIENT_PORT"]:
        return []
    public = urlsplit(values["PUBLIC_URL"]).hostname
    host = listening.in_url(public or listening.reachable_host(values["LISTEN_ADDRESS"]))
    return [
        f"                 wss://{host}:{values['TLS_CLIENT_PORT']}/ocpp/<identity>   (with certificates)"
    ]


# Settings that a command needs as its server has them, where they are not the defaults.
_OF_COMMANDS = ("HTTP_PORT", "TLS_CERT", "TLS_SECOND_CERT")


def _settings_of_commands(values: Mapping[str, Any]) -> str:
    """The variables with which `run.py manage` in this folder reaches this server."""
    given = ["DATA_DIR", *(name for name in _OF_COMMANDS if os.environ.get(name))]
    return " ".join(f"{name}={_short(values[name])}" for name in given)


def _short(value: object) -> str:
    """A setting; a path below this folder as a relative one."""
    if not isinstance(value, Path):
        return str(value)
    near = os.path.relpath(value)
    return os.path.abspath(value) if near.startswith(os.pardir) else near


def banner(values: dict[str, Any], first_login: dict[str, str], *, demo: bool) -> str:
    web = values["PUBLIC_URL"] or own_url(values)
    lines = [
        "",
        "The charging-station management system is running. Ctrl-C stops it.",
        "",
        f"  Admin          {web}/admin/",
        f"  API documents  {web}/api/docs/",
        f"  OCPP endpoint  {endpoint(values)}/<identity>   (1.6J, 2.0.1, 2.1)",
        *certificate_endpoint(values),
        f"  Data           {values['DATABASE_URL'].rpartition('@')[2] or values['DATA_DIR']}",
        "",
    ]
    unknown = {
        "accept": "Unknown stations are accepted; OCPP_UNKNOWN_STATIONS=pending or =refuse changes that.",
        "pending": "Unknown stations wait until they are accepted in the admin.",
        "refuse": "Unknown stations are refused and listed in the admin.",
    }
    lines += [f"  {unknown[values['OCPP_UNKNOWN_STATIONS']]}", ""]
    if demo:
        lines += [
            "  Simulated stations keep charging. Commands for this demo need its settings:",
            f"  {_settings_of_commands(values)} python3 run.py manage ...",
            "",
        ]
    if first_login:
        lines += ["  First start. Shown once, and kept in " + first_login["file"] + ":"]
        if "password" in first_login:
            lines += [f"    Operator  {first_login['username']}", f"    Password  {first_login['password']}"]
        if "api_key" in first_login:
            lines += [f"    API key   {first_login['api_key']}"]
        lines += [""]
    return "\n".join(lines)
