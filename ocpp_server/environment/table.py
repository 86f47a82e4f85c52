"""Every environment variable of the server: name, default, parser and one sentence, in one table.

Standard library only, see `env`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.alerts import ALERT_VARIABLES
from ocpp_server.environment.battery_swaps import BATTERY_SWAP_VARIABLES
from ocpp_server.environment.certificates import CERTIFICATE_VARIABLES
from ocpp_server.environment.contracts import CONTRACT_VARIABLES
from ocpp_server.environment.email import EMAIL_VARIABLES
from ocpp_server.environment.events import EVENT_VARIABLES
from ocpp_server.environment.firmware import FIRMWARE_VARIABLES
from ocpp_server.environment.http import HTTP_VARIABLES
from ocpp_server.environment.logs import LOG_VARIABLES
from ocpp_server.environment.mqtt import MQTT_VARIABLES
from ocpp_server.environment.network import NETWORK_VARIABLES, SERVER
from ocpp_server.environment.parsers import (
    address,
    api_key,
    boolean,
    count,
    database_url,
    duration,
    folder,
    names,
    one_of,
    origins,
    positive_count,
    positive_duration,
    proxies,
    public_url,
    secret,
    secrets,
    size,
    text,
    time_zone,
    whole_seconds,
)
from ocpp_server.environment.payments import PAYMENT_VARIABLES
from ocpp_server.environment.sandbox import SANDBOX_VARIABLES
from ocpp_server.environment.unknown_stations import STATIONS, UNKNOWN_STATIONS_VARIABLES
from ocpp_server.environment.uploads import UPLOAD_VARIABLES
from ocpp_server.environment.variable import Variable
from ocpp_server.environment.webhooks import WEBHOOK_VARIABLES

STATE, ACCESS = "State and storage", "Access"


def _when_addressed(known: Mapping[str, Any]) -> str:
    return "true" if known["REDIS_ADDR_GIVEN"] else "false"


VARIABLES: tuple[Variable, ...] = (
    *NETWORK_VARIABLES,
    Variable(
        "OCPP_ROLE",
        "server",
        one_of("server", "web", "gateway", "processor", "housekeeping", "accounts", "signer"),
        "The role of the process. run.py sets it; set it yourself when you start uvicorn directly.",
        SERVER,
    ),
    Variable(
        "WEB_WORKERS", "1", positive_count, "How many processes run.py web starts behind its port.", SERVER
    ),
    Variable(
        "SHUTDOWN_GRACE",
        "20s",
        positive_duration,
        "Time for a process to finish current messages and to close its stations' sockets one after the "
        "other after SIGTERM; a second signal ends it at once.",
        SERVER,
    ),
    Variable(
        "HEALTH_FILE",
        "",
        text,
        "A file that the process writes every few seconds and that run.py healthcheck reads; for containers, "
        "because not every role has a port.",
        SERVER,
        "no file",
    ),
    Variable("DEBUG", "0", boolean, "Verbose logs and Django's debug pages; never in production.", SERVER),
    Variable(
        "PUBLIC_URL",
        "",
        public_url,
        "The address at which browsers reach the server. With https, cookies are secure, plain requests are "
        "redirected and HSTS is sent; the proxy in front must set X-Forwarded-Proto.",
        SERVER,
    ),
    Variable(
        "ALLOWED_HOSTS",
        "",
        names,
        "Host names that the server accepts, separated by commas, in addition to the loopback names.",
        SERVER,
        "the host of PUBLIC_URL, or any host while PUBLIC_URL is empty",
    ),
    Variable(
        "FORWARDED_ALLOW_IPS",
        "127.0.0.1,::1",
        proxies,
        "The trusted proxies in front: addresses or networks, separated by commas. Only their "
        "X-Forwarded-For and X-Forwarded-Proto (a client's address and TLS) are used.",
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
        "The number of PostgreSQL connections that the API and the admin of one process share; the journal "
        "has one of its own.",
        STATE,
    ),
    Variable(
        "DATABASE_POOL_TIMEOUT",
        "10s",
        positive_duration,
        "Time a request waits for one of these connections before it is answered with 503.",
        STATE,
    ),
    Variable(
        "DATABASE_STATEMENT_TIMEOUT",
        "60s",
        duration,
        "The time limit for a query of the API or the admin on PostgreSQL; 0 is no limit. Stations, "
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
        "false; true when REDIS_ADDR is set in the environment",
    ),
    Variable("REDIS_PASSWORD", "", text, "The password of Redis.", STATE),
    Variable("REDIS_STATE_PREFIX", "ocpp", text, "The prefix of every Redis key of this server.", STATE),
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
        "Whether processors also serve legacy gateways, which push all stations' messages into one list and "
        "announce connections.",
        STATE,
    ),
    Variable(
        "OCPP_JOURNAL_BUDGET",
        "20s",
        positive_duration,
        "Time messages wait for an unavailable database before sockets are closed with 1013.",
        STATE,
    ),
    Variable(
        "SECRET_KEY",
        "",
        secret,
        "The key that signs sessions and encrypts secrets in the database; the same for all processes of one "
        "installation.",
        ACCESS,
        "generated once and stored in DATA_DIR/secret-key",
    ),
    Variable(
        "SECRET_KEY_FALLBACKS",
        "",
        secrets,
        "The keys of before, separated by commas, newest first: sessions and encrypted values made with them "
        "stay valid. manage.py encrypt_again encrypts the values with SECRET_KEY.",
        ACCESS,
        "none",
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
        "Values of the header Origin with which a station without a password may connect, in addition to "
        "file:// and the server's own address: texts such as https://tester.example.com or null, separated "
        "by commas; * is any, and lets every web page speak for such a station. A station that proves its "
        "password may send any Origin.",
        ACCESS,
        "none",
    ),
    Variable(
        "API_REQUESTS_PER_MINUTE",
        "6000",
        positive_count,
        "Requests per minute of one caller of the REST API; beyond it the answer is 429.",
        ACCESS,
    ),
    *HTTP_VARIABLES,
    *UNKNOWN_STATIONS_VARIABLES,
    Variable(
        "OCPP_UNKNOWN_TOKENS",
        "refuse",
        one_of("refuse", "accept"),
        "Whether an unknown token may charge (accept is free vending).",
        STATIONS,
    ),
    Variable(
        "OCPP_CONCURRENT_TX",
        "refuse",
        one_of("refuse", "allow"),
        "Whether one token may charge at two places at the same time.",
        STATIONS,
    ),
    Variable(
        "OCPP_GROUP_CONCURRENT_TX",
        "0",
        count,
        "Sessions that the tokens of one group may have at once, over all stations; 0 is no limit.",
        STATIONS,
    ),
    Variable(
        "OCPP_TOKEN_NORMAL_FORM",
        "off",
        boolean,
        "Whether colons, dashes and spaces in a token are ignored: 04:A2:B3 is then 04A2B3.",
        STATIONS,
    ),
    Variable(
        "OCPP_VALIDATION",
        "tolerant",
        one_of("tolerant", "strict"),
        "The validation of stations' messages; each station can have its own setting.",
        STATIONS,
    ),
    Variable(
        "OCPP_HEARTBEAT_INTERVAL",
        "300s",
        whole_seconds,
        "The heartbeat interval that the answer to a BootNotification contains.",
        STATIONS,
    ),
    Variable(
        "OCPP_CALL_TIMEOUT", "10s", positive_duration, "Time for a station to answer a command.", STATIONS
    ),
    Variable(
        "OCPP_CONFIGURATION_READS",
        "10",
        count,
        "How many stations' configurations the server reads at the same time, after their first boot and "
        "after an update of their firmware; 0 reads none by itself.",
        STATIONS,
    ),
    Variable(
        "OCPP_INTERRUPTED_GRACE",
        "15m",
        positive_duration,
        "Time for a station that restarted during a transaction, and whose connector is free, to send the "
        "stop; then the transaction ends at its last reading.",
        STATIONS,
    ),
    Variable(
        "OCPP_ABANDON_AFTER",
        "72h",
        positive_duration,
        "Time without a sign of life after which an open transaction counts as abandoned.",
        STATIONS,
    ),
    Variable(
        "OCPP_LOCAL_LIST_DELAY",
        "30s",
        duration,
        "Time between a change of a token, a contract or a rule and the update of the stations' local lists; "
        "the changes of this time go to the stations together.",
        STATIONS,
    ),
    Variable("OCPP_MAX_FRAME_BYTES", "1MiB", size, "The longest message a station may send.", STATIONS),
    Variable(
        "OCPP_DATA_TRANSFER_MODULES",
        "",
        names,
        "Python modules with receivers of vendors' messages, separated by commas: acme_messages, "
        "my_company.chargers. They must be importable, such as files beside run.py. See "
        "docs/adding-a-data-transfer.md.",
        STATIONS,
    ),
    Variable(
        "OCPP_STATION_RATE",
        "200",
        count,
        "Messages per second that a station may send in the long run; beyond it the server reads its socket "
        "more slowly. 0 is no limit.",
        STATIONS,
    ),
    Variable(
        "OCPP_WRITE_TIMEOUT",
        "30s",
        positive_duration,
        "Time for which a station may leave sent messages unread; then its socket is cut.",
        STATIONS,
    ),
    Variable(
        "OCPP_MISSING_EVENTS_GRACE",
        "60s",
        positive_duration,
        "Time for which numbers may be missing among the events of a 2.x transaction before the server asks "
        "whether the station still has them; also the time that a station has after a reconnect to mention "
        "its open transactions.",
        STATIONS,
    ),
    Variable(
        "OCPP_PING_INTERVAL",
        "30s",
        duration,
        "The interval of pings to a station's socket; 0 is never.",
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
        "OCPP_NO_COMMON_SUBPROTOCOL",
        "close",
        one_of("close", "refuse"),
        "A handshake without a subprotocol in common: close completes it and closes the socket with 1002 "
        "(OCPP-J 3.3), refuse answers it with 400 (what the published test cases TC_088 and TC_B_58 expect).",
        STATIONS,
    ),
    *UPLOAD_VARIABLES,
    *FIRMWARE_VARIABLES,
    *BATTERY_SWAP_VARIABLES,
    *EVENT_VARIABLES,
    *EMAIL_VARIABLES,
    *WEBHOOK_VARIABLES,
    *ALERT_VARIABLES,
    *MQTT_VARIABLES,
    *SANDBOX_VARIABLES,
    *CONTRACT_VARIABLES,
    *PAYMENT_VARIABLES,
    *CERTIFICATE_VARIABLES,
    *LOG_VARIABLES,
)
