"""Structured logs: one line for each event, through structlog, for our own loggers and those of libraries."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from ocpp_server.environment import roles
from ocpp_server.observability.masking import MASK, is_secret_name, masked, masked_words

# The keys one greps for come first and in this order, whatever order they were bound in.
LEADING_KEYS = ("station", "message_id", "action", "version", "ms")
_TOKEN_KEYS = frozenset({"token", "id_tag", "idtag", "id_token", "idtoken", "uid"})
# Masked by the code that logs it, or our own words.
_WHOLE = frozenset({"frame", "timestamp", "level", "logger"})
# Addresses and `name=value`: most values have neither.
_MAY_HOLD_VALUE = re.compile("[@=:]").search
_LONG_ENOUGH_TO_SHOW_AN_END = 8  # the shortest RFID uid: four bytes in hex

Event = MutableMapping[str, Any]


def mask_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """Hide secrets entirely, also inside of values, and all but the last four characters of a token."""
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
    """The process that wrote the line: several may write to one place."""
    event["role"], event["pid"] = str(roles.current()), os.getpid()
    return event


class Untraced(logging.Filter):
    """One line instead of a traceback, for a library that reports every second that Redis is away."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.msg, record.args = f"{record.getMessage()} ({record.exc_info[1]})", ()
            record.exc_info = None
        return True


class AccessFields(logging.Filter):
    """The access lines of uvicorn, where it was started without `run.py`, with fields as ours have."""

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (address, method, path, _, status):
                # Without the query: it may hold a card's number.
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
            # Frames and messages as fields. Never the local variables: they hold passwords and tokens.
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
        "filters": {"untraced": {"()": Untraced}, "access": {"()": AccessFields}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django attaches handlers of its own to these two, which would print every line twice.
            "django": {"handlers": [], "level": level if level != "DEBUG" else "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            # Frame-by-frame chatter of the libraries below us; our own frames come from the engine.
            "websockets": {"level": "WARNING"},
            # Started without `run.py` it brings handlers of its own.
            "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
            "uvicorn.access": {"handlers": [], "level": "INFO", "propagate": True, "filters": ["access"]},
            "daphne": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "channels_redis.pubsub": {"filters": ["untraced"]},
        },
    }
