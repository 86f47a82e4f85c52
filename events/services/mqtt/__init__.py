"""MQTT: the state of stations as retained topics, events, discovery by Home Assistant, and commands."""
