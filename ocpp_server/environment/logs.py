"""The settings of logs and metrics: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import boolean, duration, names, one_of, port_or_none
from ocpp_server.environment.variable import Variable

LOGS = "Logs"

LOG_VARIABLES: tuple[Variable, ...] = (
    Variable("OCPP_MESSAGE_LOG", "on", boolean, "Whether the message log stores every OCPP exchange.", LOGS),
    Variable("OCPP_LOG_HEARTBEATS", "off", boolean, "Whether the message log stores Heartbeats too.", LOGS),
    Variable(
        "AUDIT_RETENTION",
        "365d",
        duration,
        "Retention of the audit log of REST requests and console pages; 0 is no limit.",
        LOGS,
    ),
    Variable("OCPP_MESSAGE_RETENTION", "30d", duration, "Retention of the message log; 0 is no limit.", LOGS),
    Variable(
        "OCPP_METER_VALUE_RETENTION",
        "0",
        duration,
        "Retention of meter values; 0 is no limit. On PostgreSQL these and the message log are deleted by "
        "whole months, when the last day of a month is too old.",
        LOGS,
    ),
    Variable(
        "CAMPAIGN_RETENTION",
        "180d",
        duration,
        "Retention of ended campaigns with their results; 0 is no limit. Of the campaigns that the server "
        "creates itself, such as after a change of tokens, the newest 50 are kept.",
        LOGS,
    ),
    Variable(
        "METRICS_PORT",
        "0",
        port_or_none,
        "The port of /metrics and /health without credentials, for roles without a port and for scrapers of "
        "the inner network; each of several processes takes the next free port. 0 is none.",
        LOGS,
    ),
    Variable(
        "OCPP_SECRET_KEYS",
        "",
        names,
        "Keys and variables of stations whose values are never shown, stored or logged, in addition to those "
        "with a secret's name (WifiPSK, VpnKey): CpoName, Vendor.Code, separated by commas.",
        LOGS,
    ),
    Variable(
        "LOG_LEVEL",
        lambda known: "DEBUG" if known["DEBUG"] else "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "The lowest level that is logged; OCPP frames appear at DEBUG only.",
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
