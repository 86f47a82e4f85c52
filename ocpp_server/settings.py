"""Django's settings. Settings for operators come from environment variables (`environment/table.py`)."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import environ

from ocpp_server import __version__, listening
from ocpp_server.admin import theme
from ocpp_server.environment import env
from ocpp_server.events import catalogue
from ocpp_server.observability import logs
from ocpp_server.protocol import secrets as secret_names

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_file(BASE_DIR / os.environ.get("ENV_FILE", ".env"))
ENVIRONMENT: dict[str, Any] = env.read()

# Every row of the table is a setting of the same name: settings.OCPP_CALL_TIMEOUT is a number of seconds.
globals().update(ENVIRONMENT)
DEBUG: bool = ENVIRONMENT["DEBUG"]
DATA_DIR: Path = ENVIRONMENT["DATA_DIR"]
HTTP_PORT: int = ENVIRONMENT["HTTP_PORT"]
PUBLIC_URL: str = ENVIRONMENT["PUBLIC_URL"]
REDIS_DISTRIBUTED_STATE: bool = ENVIRONMENT["REDIS_DISTRIBUTED_STATE"]
REDIS_STATE_PREFIX: str = ENVIRONMENT["REDIS_STATE_PREFIX"]


def in_data_dir(name: str) -> Path:
    """The path of a file in DATA_DIR, a folder that is created if missing. Raises SettingError."""
    try:
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds credentials and personal data
    except OSError as error:
        raise env.SettingError(
            "DATA_DIR", f"the folder {DATA_DIR} can't be made ({error.strerror})"
        ) from None
    if not os.access(DATA_DIR, os.W_OK | os.X_OK):
        raise env.SettingError("DATA_DIR", f"the folder {DATA_DIR} can't be written to")
    return DATA_DIR / name


def kept_secret_key() -> str:
    """The secret key of this installation, generated at the first start.

    The key is written to a draft that is then linked to its name, so that two processes that start together
    use the same key.
    """
    path = in_data_dir("secret-key")
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-key-")  # with mode 600
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its key is read below
        finally:
            os.unlink(draft)
    key = path.read_text().strip()
    if len(key) < 50:  # Django's own limit, security.W009
        raise env.SettingError("SECRET_KEY", f"the file {path} holds no key; remove it and a new one is made")
    return key


# -- applications ----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # before staticfiles, so that `runserver` is the ASGI one
    "unfold",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "ocpp_server",  # before the apps: its `migrate` replaces Django's
    "accounts",
    "chargepoints",
    "transactions",
    "configuration",
    "smart_charging",
    "tariffs",
    "certificates",
    "events",
    "aggregates",
    "alerts",
    "sandbox",
    "operations",
]

MIDDLEWARE = [
    "ocpp_server.observability.access.AccessLog",  # first, so that it measures the whole request
    "django.middleware.security.SecurityMiddleware",
    "ocpp_server.admin.static_files.StaticFilesMiddleware",
    "ocpp_server.bounds.compression.Compression",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ocpp_server.admin.auditing.Auditing",  # below the one that knows the caller
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ocpp_server.admin.middleware.ContentSecurityPolicy",
    "ocpp_server.admin.middleware.LimitedToSites",
    "ocpp_server.admin.middleware.DatabaseAway",
    "ocpp_server.admin.error_pages.WrongMethod",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ocpp_server.urls"
ASGI_APPLICATION = "ocpp_server.asgi.application"
# The application that serves the WebSockets of stations; `ocpp_server.asgi` imports it by this path.
WEBSOCKET_APPLICATION = "chargepoints.routing.websocket"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# -- database --------------------------------------------------------------------------------------


def sqlite(path: str | Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A transaction that reads first and writes later fails at once with "database is locked" when
            # another connection wrote in between. With IMMEDIATE, BEGIN takes the write lock and waits for
            # it.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: a committed message survives a power cut, as its answer promises the station. Pages of 8
            # KiB (of a new database; 2000 of them are 16 MiB): a commit writes each changed page with two
            # system calls, and a batch changes fewer pages of 8 KiB than of the usual 4 KiB.
            "init_command": "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; "
            "PRAGMA wal_autocheckpoint=2000",
        },
        # A file, because the journal's writer thread would get a :memory: database of its own. Named after
        # the process, because several test runs may share a machine.
        "TEST": {"NAME": str(Path(tempfile.gettempdir(), f"ocpp-server-test-{os.getpid()}.sqlite3"))},
    }


# Connections are in a pool instead of one for each thread: an API call that waits for a station returns its
# connection before it waits.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "pool": {
        "min_size": 1,
        "max_size": ENVIRONMENT["DATABASE_POOL_SIZE"],
        "timeout": ENVIRONMENT["DATABASE_POOL_TIMEOUT"],
        # The pool doubles the pause between two attempts. After this time it gives up until the next query:
        # that finds the restarted database earlier than an attempt after a long pause.
        "reconnect_timeout": 3,
    },
    "options": f"-c statement_timeout={ENVIRONMENT['DATABASE_STATEMENT_TIMEOUT'] * 1000:.0f}",
    # A database server that disappears without closing (power, network) is noticed within half a minute.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def database() -> dict[str, Any]:
    url: str = ENVIRONMENT["DATABASE_URL"]
    if not url:
        return sqlite(in_data_dir("db.sqlite3"))
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return sqlite(config["NAME"])
    config["CONN_MAX_AGE"] = 0
    # The pool checks each connection before use: after a restart of PostgreSQL it drops the broken ones, and
    # no request fails.
    config["CONN_HEALTH_CHECKS"] = True
    config["OPTIONS"] = POSTGRESQL_OPTIONS | config.get("OPTIONS", {})
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Redis: live state, channel layer, cache -------------------------------------------------------

REDIS_HOST, REDIS_PORT = ENVIRONMENT["REDIS_ADDR"]
_password = f":{quote(ENVIRONMENT['REDIS_PASSWORD'], safe='')}@" if ENVIRONMENT["REDIS_PASSWORD"] else ""
_host = f"[{REDIS_HOST}]" if ":" in REDIS_HOST else REDIS_HOST
REDIS_URL = f"redis://{_password}{_host}:{REDIS_PORT}/0"

CHANNEL_LAYERS: dict[str, dict[str, Any]]
CACHES: dict[str, dict[str, Any]]
if REDIS_DISTRIBUTED_STATE:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                # With a timeout, because a Redis that hangs would block callers without end.
                "hosts": [{"address": REDIS_URL, "socket_timeout": 3, "socket_connect_timeout": 3}],
                "prefix": f"{REDIS_STATE_PREFIX}:channels",
            },
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": f"{REDIS_STATE_PREFIX}:cache",
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 2},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# -- logins --------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

# Ten wrong passwords for one name from one address lock out that pair for 15 minutes. Locking the name alone
# would let a stranger lock out an operator, and locking the address alone would lock out a whole office.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "ocpp_server.admin.error_pages.locked_out"
AXES_ENABLE_ADMIN = False  # its admin pages have no unfold style

# -- security -------------------------------------------------------------------------------------- The
# default is plain HTTP for a test network. PUBLIC_URL=https://... means that a proxy terminates TLS, and
# turns on the settings that `manage.py check --deploy` requires. With TLS_CERT the server terminates TLS
# itself.

SECRET_KEY: str = ENVIRONMENT["SECRET_KEY"] or kept_secret_key()
TLS_CERT: Path | None = ENVIRONMENT["TLS_CERT"]
TLS_SECOND_CERT: Path | None = ENVIRONMENT["TLS_SECOND_CERT"]
TLS_CLIENT_PORT: int | None = ENVIRONMENT["TLS_CLIENT_PORT"]
TLS_CLIENT_CERT_HEADER: str = ENVIRONMENT["TLS_CLIENT_CERT_HEADER"]
BEHIND_TLS = PUBLIC_URL.startswith("https://")
_OWN_HOST = listening.in_url(listening.own_host(ENVIRONMENT["LISTEN_ADDRESS"]))
# The probes and commands of this machine use its own address.
_LOOPBACK = ["localhost", "127.0.0.1", "[::1]", _OWN_HOST]
if ENVIRONMENT["ALLOWED_HOSTS"]:
    ALLOWED_HOSTS = [*ENVIRONMENT["ALLOWED_HOSTS"], *_LOOPBACK]
elif PUBLIC_URL:
    ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "", socket.gethostname(), *_LOOPBACK]
else:
    # Without PUBLIC_URL no host name is known, and a test machine is reached by any name or address.
    ALLOWED_HOSTS = ["*"]

CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS or TLS_CERT is not None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS and TLS_CERT is None else None
SECURE_REDIRECT_EXEMPT = [r"^health", r"^metrics$"]  # probes and scrapers use the port without the proxy
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = BEHIND_TLS
CSRF_FAILURE_VIEW = "ocpp_server.admin.error_pages.csrf_failed"
X_FRAME_OPTIONS = "DENY"
# `ocpp_server.bounds` limits bodies before Django reads them; this is Django's own limit for forms.
DATA_UPLOAD_MAX_MEMORY_SIZE: int = ENVIRONMENT["HTTP_MAX_BODY"]
# HSTS preloading binds the whole domain in every browser for years: the owner of the domain must decide that.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# The URL of the running server for commands on this machine. They bypass the proxy, so they set its header.
LOOPBACK_URL = f"{'https' if TLS_CERT else 'http'}://{_OWN_HOST}:{HTTP_PORT}"
LOOPBACK_HEADERS = {"X-Forwarded-Proto": "https"} if BEHIND_TLS else {}

# -- languages, times, files -----------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "ocpp_server.admin.formats"

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "ocpp_server.admin.hashed_files.HashedFilesStorage"},
}

try:
    catalogue.matching(ENVIRONMENT["EVENT_TYPES"], among=catalogue.STARRED)
except catalogue.UnknownTypes as unknown:
    raise env.SettingError(
        "EVENT_TYPES", f"{str(unknown)!r} is none of {', '.join(catalogue.STARRED)}"
    ) from None
secret_names.configure(ENVIRONMENT["OCPP_SECRET_KEYS"])
LOGGING = logs.configure(
    level=ENVIRONMENT["LOG_LEVEL"], form=ENVIRONMENT["LOG_FORMAT"], colours=sys.stderr.isatty()
)

# -- e-mail ----------------------------------------------------------------------------------------

_mail: dict[str, Any] = ENVIRONMENT["EMAIL_URL"]
if _mail and not ENVIRONMENT["EMAIL_FROM"]:
    raise env.SettingError("EMAIL_FROM", "EMAIL_URL is set, and the sender's address is missing")
EMAIL_HOST, EMAIL_PORT = _mail.get("host", ""), _mail.get("port", 0)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("user", ""), _mail.get("password", "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.get("use_ssl", False), _mail.get("use_tls", False)
EMAIL_TIMEOUT = 15  # without one, a mail server that hangs would block its thread without end
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT["EMAIL_FROM"]

# -- REST API --------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The API key first: the first class sets the challenge in a 401 response.
        "ocpp_server.api.authentication.ApiKeyAuthentication",
        "ocpp_server.api.authentication.AdminSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "ocpp_server.api.permissions.RolePermission",
        "ocpp_server.api.permissions.ScopePermission",
        "ocpp_server.api.permissions.SitePermission",
        "ocpp_server.api.permissions.PersonalDataPermission",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["ocpp_server.api.throttling.PrincipalThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["ocpp_server.api.envelope.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ocpp_server.api.envelope.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "ocpp_server.api.envelope.AlwaysJson",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "ocpp_server.api.openapi.Documented",
    "EXCEPTION_HANDLER": "ocpp_server.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `format` is a parameter of the export
    "DATETIME_FORMAT": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Charging-station management system",
    "DESCRIPTION": "Every answer is `{success, message, data}`. "
    "The OCPP side writes camelCase, the accounts side snake_case. Every refusal has a `data.code` of the "
    "schema ErrorCode, which explains each code.",
    "VERSION": __version__,
    "OAS_VERSION": "3.0.3",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "ocpp_server.api.openapi.without_docstrings",
        "ocpp_server.api.openapi.share_headers",
        "ocpp_server.api.openapi.refuse_unknown_fields",
        "ocpp_server.api.webhook_documents.with_webhooks",
        "ocpp_server.api.examples.with_examples",
    ],
}

# -- admin -----------------------------------------------------------------------------------------

# Names and colours; each app registers its pages and menu entries, and `operations` renders the first page.
UNFOLD: dict[str, Any] = {**theme.UNFOLD, "DASHBOARD_CALLBACK": "operations.dashboard.callback"}
