"""The settings of MQTT: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import boolean, mqtt_topic, mqtt_url, text
from ocpp_server.environment.variable import Variable

_GROUP = "MQTT"

MQTT_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "MQTT_URL",
        "",
        mqtt_url,
        "The MQTT broker to which stations and events are published (docs/mqtt.md), such as "
        "mqtt://user:password@broker:1883, or mqtts:// with TLS. Empty: none.",
        _GROUP,
    ),
    Variable("MQTT_TOPIC", "ocpp", mqtt_topic, "The first level of all topics.", _GROUP),
    Variable(
        "MQTT_DISCOVERY",
        "",
        mqtt_topic,
        "The prefix of Home Assistant's discovery, which is homeassistant unless it was changed there. "
        "Empty: no discovery.",
        _GROUP,
    ),
    Variable(
        "MQTT_COMMANDS",
        "off",
        boolean,
        "Whether messages on topics that end in /set are commands to stations. The broker must then allow "
        "only trusted clients to publish them.",
        _GROUP,
    ),
    Variable(
        "MQTT_ID_TAG",
        "",
        text,
        "The token of sessions that a command by MQTT starts without one.",
        _GROUP,
    ),
)
