"""Simulated charging stations (OCPP 1.6J, 2.0.1 and 2.1) for the demo, the load test and the tests."""

from simulator.clock import Clock
from simulator.fleet import Fleet
from simulator.latency import Latencies
from simulator.misbehaviour import Misbehaviour, bad_frames
from simulator.station import Station
from simulator.versions import V16, V21, V201, VERSIONS
from simulator.wire import CallFailed, Frame, NoAnswer

__all__ = [
    "V16",
    "V21",
    "V201",
    "VERSIONS",
    "CallFailed",
    "Clock",
    "Fleet",
    "Frame",
    "Latencies",
    "Misbehaviour",
    "NoAnswer",
    "Station",
    "bad_frames",
]
