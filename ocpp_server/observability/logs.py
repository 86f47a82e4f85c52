"""Structured logs: one line for each event, through structlog, for this server and for libraries."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from ocpp_server.environment import roles
from ocpp_server.observability.masking import MASK, masked, masked_words
from ocpp_server.protocol.secrets import is_secret_name

# Keys that come first in each line, in this order, because users search for them.
LEADING_KEYS = ("station", "message_id", "action", "version", "ms")
_TOKEN_KEYS = frozenset({"token", "id_tag", "idtag", "id_token", "idtoken", "uid"})
# Keys that are not masked here: `frame` is masked by the code that logs it, the others hold no secrets.
_WHOLE = frozenset({"frame", "timestamp", "level", "logger"})
# Only addresses and `name=value` may contain a secret; most values have neither.
_MAY_HOLD_VALUE = re.compile("[@=:]").search
_LONG_ENOUGH_TO_SHOW_AN_END = 8  # the shortest RFID uid: four bytes in hex

Event = MutableMapping[str, Any]


def mask_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """Mask secrets, also inside of values, and tokens but for their last four characters."""
    for key, value in event.items():
        lowered = key.lower()
        if lowered in _TOKEN_KEYS and isinstance(value, str):
            event[key] = MASK + value[-4:] if len(value) >= _LONG_ENOUGH_TO_SHOW_AN_END else MASK
        elif "authorization" in lowered or is_secret_name(key):
            event[key] = MASK
        elif isinstance(value, dict | list):
            event[key] = masked(value)
        elif isinstance(value, str) and key not in _WHOLE and _MAY_HOLD_VALUE(value):
            event[key] = masked_words(value)
    return event


def order_keys(_logger: Any, _method: str, event: Event) -> Event:
    first = {key: event[key] for key in LEADING_KEYS if key in event}
    return {**first, **{key: value for key, value in event.items() if key not in first}}


def own_process(_logger: Any, _method: str, event: Event) -> Event:
    """Add the role and id of the process, because several processes may write to one place."""
    event["role"], event["pid"] = str(roles.current()), os.getpid()
    return event


class WithoutTraceback(logging.Filter):
    """Replaces a traceback by one line, for a library that reports an outage of Redis every second."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.msg, record.args = f"{record.getMessage()} ({record.exc_info[1]})", ()
            record.exc_info = None
        return True


class RefusalInOneLine(logging.Filter):
    """Removes the traceback of a request that Django refuses: 403 for a missing permission, 400 for a hostile
    header. The access log has the same request; a bug (500) keeps its traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(("django.request", "django.security")):
            record.__dict__.pop("request", None)  # its text has the query, which may contain a token
            if getattr(record, "status_code", 500) < 500:  # noqa: PLR2004
                record.exc_info = None
        return True


class AccessFields(logging.Filter):
    """Gives uvicorn's access lines the fields of `http.request`. uvicorn writes them when it is started
    without `run.py`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (address, method, path, _, status):
                # The query is cut off: it may contain a token.
                record.msg, record.args = "http.access", ()
                record.method, record.status = method, status
                record.path = str(path).partition("?")[0]
                record.address = str(address).rpartition(":")[0]
        return True


def configure(*, level: str, form: str, colours: bool = False) -> dict[str, Any]:
    """Set structlog up and return the LOGGING dictionary that makes all other loggers look the same.

    `form` is `text` or `json`; `level` is one of the standard names.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        mask_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if form == "json":
        render: list[Any] = [
            # Tracebacks as fields, without local variables, which may contain passwords and tokens.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
            ),
            own_process,
            order_keys,
            structlog.processors.JSONRenderer(),
        ]
    else:
        render = [
            order_keys,
            structlog.dev.ConsoleRenderer(
                colors=colours,
                sort_keys=False,
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
            }
        },
        "filters": {
            "untraced": {"()": WithoutTraceback},
            "access": {"()": AccessFields},
            "refusal": {"()": RefusalInOneLine},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusal"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Without handlers: those that Django adds to these two loggers would print every line twice.
            "django": {"handlers": [], "level": level if level != "DEBUG" else "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # WARNING: this library logs every frame. The server logs frames itself (`frame_log`).
            "websockets": {"level": "WARNING"},
            # Without handlers: uvicorn adds its own when it is started without `run.py`.
            "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
            "uvicorn.access": {"handlers": [], "level": "INFO", "propagate": True, "filters": ["access"]},
            "daphne": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "channels_redis.pubsub": {"filters": ["untraced"]},
        },
    }
