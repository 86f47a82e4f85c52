"""Tests of the gateway: its sockets, uplink and downlink without servers, some with a real Redis."""
