"""Every environment variable the server knows: name, default, parser and one sentence, in one table.

Standard library only, as `env` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.http import HTTP_VARIABLES
from ocpp_server.environment.parsers import (
    address,
    api_key,
    boolean,
    count,
    database_url,
    duration,
    file,
    folder,
    names,
    one_of,
    origins,
    port,
    port_or_none,
    positive_count,
    positive_duration,
    proxies,
    public_url,
    secret,
    size,
    text,
    time_zone,
    whole_seconds,
)
from ocpp_server.environment.variable import Variable

SERVER, STATE, ACCESS, STATIONS, LOGS = "The server", "State and storage", "Access", "Stations", "Logs"


def _when_addressed(known: Mapping[str, Any]) -> str:
    return "true" if known["REDIS_ADDR_GIVEN"] else "false"


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "HTTP_PORT", "8081", port, "The port of the REST API, the admin and the station WebSockets.", SERVER
    ),
    Variable(
        "ACCOUNTS_PORT",
        "59800",
        port,
        "The port of the accounts API where it runs alone (run.py accounts).",
        SERVER,
    ),
    Variable(
        "OCPP_ROLE",
        "server",
        one_of("server", "web", "gateway", "processor", "housekeeping", "accounts"),
        "What the process does. run.py sets it; it is for those who start uvicorn by themselves.",
        SERVER,
    ),
    Variable(
        "WEB_WORKERS", "1", positive_count, "How many processes run.py web starts behind its port.", SERVER
    ),
    Variable(
        "SHUTDOWN_GRACE",
        "20s",
        positive_duration,
        "How long a process that is told to end (SIGTERM) takes to finish what is in hand and to close its "
        "stations' sockets one after the other; a second signal ends it at once.",
        SERVER,
    ),
    Variable(
        "TLS_CERT",
        "",
        file,
        "A PEM file with the server's certificate and its chain: https and wss without a proxy. A renewed "
        "file is taken without a restart.",
        SERVER,
    ),
    Variable("TLS_KEY", "", file, "The private key, where TLS_CERT does not hold it.", SERVER),
    Variable(
        "HEALTH_FILE",
        "",
        text,
        "A file the process writes every few seconds and run.py healthcheck reads; for containers, whose "
        "processes have not all a port to ask.",
        SERVER,
        "none is written",
    ),
    Variable("DEBUG", "0", boolean, "Verbose logs and Django's debug pages; never in production.", SERVER),
    Variable(
        "PUBLIC_URL",
        "",
        public_url,
        "The address people reach the server at. With https, cookies are secure, plain requests are "
        "redirected and HSTS is sent; the proxy in front must set X-Forwarded-Proto.",
        SERVER,
    ),
    Variable(
        "ALLOWED_HOSTS",
        "",
        names,
        "Host names the server answers to, separated by commas, besides the machine's own loopback names.",
        SERVER,
        "the host of PUBLIC_URL, or any host while PUBLIC_URL is empty",
    ),
    Variable(
        "FORWARDED_ALLOW_IPS",
        "127.0.0.1,::1",
        proxies,
        "The proxies in front, addresses or networks separated by commas: what they say about a client's "
        "address and TLS (X-Forwarded-For, X-Forwarded-Proto) is believed, and nobody else's word.",
        SERVER,
    ),
    Variable(
        "TIME_ZONE",
        "UTC",
        time_zone,
        "The time zone of the admin pages; everything is stored in UTC.",
        SERVER,
    ),
    Variable(
        "DATA_DIR",
        "data",
        folder,
        "The folder of the SQLite file, the secret key and the first login.",
        STATE,
    ),
    Variable(
        "DATABASE_URL",
        "",
        database_url,
        "The database; postgresql://user:password@host:5432/name in production.",
        STATE,
        "SQLite in DATA_DIR",
    ),
    Variable(
        "DATABASE_POOL_SIZE",
        "10",
        positive_count,
        "How many PostgreSQL connections the API and the admin of one process share; the journal has one of "
        "its own.",
        STATE,
    ),
    Variable(
        "DATABASE_POOL_TIMEOUT",
        "10s",
        positive_duration,
        "How long a request waits for one of them before it is answered with 503.",
        STATE,
    ),
    Variable(
        "DATABASE_STATEMENT_TIMEOUT",
        "60s",
        duration,
        "How long a query of the API or the admin may take on PostgreSQL; 0 is no limit. Stations, "
        "migrations and retention have none.",
        STATE,
    ),
    Variable(
        "REDIS_ADDR", "localhost:6379", address, "The host and port of Redis, used when distributed.", STATE
    ),
    Variable(
        "REDIS_DISTRIBUTED_STATE",
        _when_addressed,
        boolean,
        "Whether live state is shared through Redis, so that several processes serve one network.",
        STATE,
        "true when REDIS_ADDR is set, else false",
    ),
    Variable("REDIS_PASSWORD", "", text, "The password of Redis.", STATE),
    Variable("REDIS_STATE_PREFIX", "ocpp", text, "What every Redis key of this server begins with.", STATE),
    Variable(
        "REDIS_STATE_TTL",
        "30s",
        positive_duration,
        "The lease of presence and of pending calls in Redis.",
        STATE,
    ),
    Variable(
        "TRANSPORT_COMPAT",
        "false",
        boolean,
        "Whether processors also serve older gateways of this family, which push all stations' messages into "
        "one list and announce connections.",
        STATE,
    ),
    Variable(
        "OCPP_JOURNAL_BUDGET",
        "20s",
        positive_duration,
        "How long messages wait for a database that is away before sockets are closed with 1013.",
        STATE,
    ),
    Variable(
        "SECRET_KEY",
        "",
        secret,
        "What sessions are signed with; the same for all processes of one installation.",
        ACCESS,
        "made once and kept in DATA_DIR/secret-key",
    ),
    Variable(
        "DJANGO_SUPERUSER_USERNAME",
        "admin",
        text,
        "The name of the first operator, created at the first start.",
        ACCESS,
    ),
    Variable(
        "DJANGO_SUPERUSER_PASSWORD",
        "",
        text,
        "The password of the first operator.",
        ACCESS,
        "generated and shown once",
    ),
    Variable(
        "OCPP_BOOTSTRAP_API_KEY",
        "",
        api_key,
        "The first API key, with the role administrator.",
        ACCESS,
        "generated and shown once",
    ),
    Variable(
        "OCPP_ALLOWED_ORIGINS",
        "",
        origins,
        "Web origins whose pages may open WebSockets and call the API, separated by commas; "
        "stations send no origin.",
        ACCESS,
        "only the server's own",
    ),
    Variable(
        "API_REQUESTS_PER_MINUTE",
        "6000",
        positive_count,
        "How many requests one caller of the REST API has a minute; beyond it the answer is 429.",
        ACCESS,
    ),
    *HTTP_VARIABLES,
    Variable(
        "OCPP_UNKNOWN_STATIONS",
        lambda known: "refuse" if known["REDIS_DISTRIBUTED_STATE"] else "accept",
        one_of("refuse", "pending", "accept"),
        "What happens to a station nobody entered: refuse (404), pending (waits for an operator) or accept.",
        STATIONS,
        "accept when embedded, refuse when distributed",
    ),
    Variable(
        "OCPP_UNKNOWN_TOKENS",
        "refuse",
        one_of("refuse", "accept"),
        "Whether a token nobody entered may charge (accept is free vending).",
        STATIONS,
    ),
    Variable(
        "OCPP_CONCURRENT_TX",
        "refuse",
        one_of("refuse", "allow"),
        "Whether one token may charge at two places at once.",
        STATIONS,
    ),
    Variable(
        "OCPP_GROUP_CONCURRENT_TX",
        "0",
        count,
        "How many sessions the tokens of one group may have at once, over all stations; 0 is no limit.",
        STATIONS,
    ),
    Variable(
        "OCPP_TOKEN_NORMAL_FORM",
        "off",
        boolean,
        "Whether colons, dashes and blanks in a token make no difference: 04:A2:B3 is then 04A2B3.",
        STATIONS,
    ),
    Variable(
        "OCPP_VALIDATION",
        "tolerant",
        one_of("tolerant", "strict"),
        "How strictly the messages of stations are checked; each station may say otherwise.",
        STATIONS,
    ),
    Variable(
        "OCPP_HEARTBEAT_INTERVAL",
        "300s",
        whole_seconds,
        "The interval stations are told in BootNotification.",
        STATIONS,
    ),
    Variable(
        "OCPP_CALL_TIMEOUT", "10s", positive_duration, "How long a station has to answer a command.", STATIONS
    ),
    Variable(
        "OCPP_INTERRUPTED_GRACE",
        "15m",
        positive_duration,
        "How long a station that restarted during a transaction, and whose connector is free, has to send "
        "the stop; then the transaction ends at its last reading.",
        STATIONS,
    ),
    Variable(
        "OCPP_ABANDON_AFTER",
        "72h",
        positive_duration,
        "After how long without a sign of life an open transaction counts as abandoned.",
        STATIONS,
    ),
    Variable("OCPP_MAX_FRAME_BYTES", "1MiB", size, "The longest message a station may send.", STATIONS),
    Variable(
        "OCPP_STATION_RATE",
        "200",
        count,
        "How many messages a second a station may send in the long run; beyond it its socket is read more "
        "slowly. 0 is no limit.",
        STATIONS,
    ),
    Variable(
        "OCPP_WRITE_TIMEOUT",
        "30s",
        positive_duration,
        "How long a station may leave unread what was sent to it; then its socket is cut.",
        STATIONS,
    ),
    Variable(
        "OCPP_MISSING_EVENTS_GRACE",
        "60s",
        positive_duration,
        "How long numbers may be missing among the events of a 2.x transaction before the station is asked "
        "whether it still has them.",
        STATIONS,
    ),
    Variable(
        "OCPP_PING_INTERVAL",
        "30s",
        duration,
        "How often the server pings the socket of a station; 0 is never.",
        STATIONS,
    ),
    Variable(
        "OCPP_ASSUME_SUBPROTOCOL",
        "",
        one_of("", "ocpp1.6", "ocpp2.0.1", "ocpp2.1"),
        "The version of a station that offers no subprotocol; empty refuses it (OCPP-J 1.6 section 3.1.2).",
        STATIONS,
    ),
    Variable(
        "OCPP_MESSAGE_LOG", "on", boolean, "Whether every OCPP exchange is kept in the message log.", LOGS
    ),
    Variable("OCPP_LOG_HEARTBEATS", "off", boolean, "Whether the message log keeps Heartbeats too.", LOGS),
    Variable(
        "OCPP_MESSAGE_RETENTION", "30d", duration, "How long the message log is kept; 0 is for ever.", LOGS
    ),
    Variable(
        "OCPP_METER_VALUE_RETENTION",
        "0",
        duration,
        "How long meter values are kept; 0 is for ever. On PostgreSQL these and the message log go by whole "
        "months, when the last day of one is too old.",
        LOGS,
    ),
    Variable(
        "METRICS_PORT",
        "0",
        port_or_none,
        "The port of /metrics and /health without credentials, for roles that have no other and for scrapers "
        "of the inner network; of several processes each takes the next that is free. 0 is none.",
        LOGS,
    ),
    Variable(
        "OCPP_SECRET_KEYS",
        "",
        names,
        "Keys and variables of stations whose values are never shown, stored or logged, besides those whose "
        "names say that they are secrets (WifiPSK, VpnKey): CpoName, Vendor.Code, separated by commas.",
        LOGS,
    ),
    Variable(
        "LOG_LEVEL",
        lambda known: "DEBUG" if known["DEBUG"] else "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "The least serious lines that are logged; OCPP frames appear at DEBUG only.",
        LOGS,
        "INFO; DEBUG with DEBUG=1",
    ),
    Variable(
        "LOG_FORMAT",
        "text",
        one_of("text", "json"),
        "One line of text or one JSON object for each event.",
        LOGS,
    ),
)
