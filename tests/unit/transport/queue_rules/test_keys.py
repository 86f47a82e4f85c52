"""The names of the keys in Redis: a contract with gateways and with processes of other releases."""

from __future__ import annotations

from ocpp_server.transport.queue.keys import QueueKeys, script

NAMES = {
    "gateways": "P:gateways",
    "processors": "P:server:processors",
    "ready": "P:server:ready",
    "wakeups": "P:server:bell",
    "epoch": "P:server:epoch",
    "deadlines": "P:server:deadlines",
    "dead": "P:server:dead",
    "shared_requests": "P:requests",
    "announced_connect": "P:control:connect",
    "announced_disconnect": "P:control:disconnect",
    "active": "P:active",
    "prefix": "P",
}
NAMES_OF_ONE = {
    "requests": "P:requests:X",
    "responses": "P:responses:X",
    "gateway_wakeups": "P:gateway:X",
    "taken": "P:gateway:X:taken",
    "ended": "P:server:ended:X",
    "lease": "P:server:lease:X",
    "calls": "P:server:calls:X",
    "pending": "P:server:pending:X",
    "dead_of": "P:server:dead:X",
    "wakeups_of": "P:server:bell:X",
}


def test_each_key_has_its_agreed_name() -> None:
    keys = QueueKeys("P")

    assert {name: getattr(keys, name) for name in NAMES} == NAMES
    assert {name: getattr(keys, name)("X") for name in NAMES_OF_ONE} == NAMES_OF_ONE


def test_a_script_has_the_functions_that_it_uses_in_front_of_it() -> None:
    alone, whole = script("legacy_tidy"), script("legacy", "legacy_tidy")

    assert alone.text != whole.text
    assert whole.text.index("function key_of") < whole.text.index("redis.call('SMEMBERS'")
