"""The names of the queue's keys in Redis, and the scripts that change them in one step.

`P:clients`, `P:session:{id}` and `P:news` belong to the live state (`ocpp_server.live.redis.keys`): a station
at a gateway is found like one whose socket a process of the server holds.

| key | type | content |
|---|---|---|
| `P:requests:{id}` | list | station -> server envelopes; LPUSH, the head is the right end; no TTL |
| `P:responses:{id}` | list | server -> gateway envelopes; LPUSH / RPOP; expires 120 s after the last push |
| `P:gateways` | sorted set | ws_server_id: milliseconds (Redis' clock) until which the gateway is alive |
| `P:gateway:{ws_server_id}` | list | wake-ups: RPUSH {id} with every push to `P:responses:{id}`; expires |
| `P:gateway:{ws_server_id}:taken` | hash | the answers it took last, in case the reply is lost |
| `P:server:ended:{id}` | hash | the session of a gateway that seemed dead, for an hour |
| `P:server:processors` | sorted set | processor: milliseconds until which it is alive |
| `P:server:ready` | sorted set | stations with unread requests: ms when due, or the lease's end |
| `P:server:bell` | list | wake-ups: LPUSH 1 + LTRIM 0 63; idle processors BLPOP it, and poll |
| `P:server:bell:{processor}` | list | the same for one processor: a station that it has loaded is due |
| `P:server:epoch` | hash | identity: fencing counter, only ever incremented |
| `P:server:lease:{id}` | hash | owner, epoch, attempts |
| `P:server:calls:{id}` | list | queued outgoing CALLs, the next one at the right end |
| `P:server:pending:{id}` | hash | the one CALL in flight |
| `P:server:deadlines` | sorted set | identity: the next deadline of its outgoing CALLs |
| `P:server:dead`, `P:server:dead:{id}` | list | dead letters, trimmed |
| `P:requests` | list | the one list of a legacy gateway for all stations |
| `P:control:connect`, `P:control:disconnect` | channel | the announcements of a legacy gateway |
| `P:active` | set | the connected stations, for readers of the legacy gateway's keys |

A session of a gateway has no field `channel`; that of a process of the server which holds the socket has one.
When a gateway's session replaces another, the connect step keeps the `session_id` and `channel` of that one
as `replaced_id` and `replaced_channel`: the processor waits until that process has finished.
The processor adds `settles_at`: when calls may be sent at the latest; 0 after the station's first message.
Every push of a request marks the station ready with Redis' time in milliseconds (`ZADD NX`), so that the
station that has waited longest is served first. At most 64 idle processors wake at once: so many wake-ups are
kept. Answers that no gateway fetches expire after 120 s: the gateway and its sockets are gone by then.
"""

from __future__ import annotations

from pathlib import Path

from ocpp_server.live.redis.keys import Keys, Script

_SCRIPTS = Path(__file__).parent / "scripts"


class QueueKeys(Keys):
    """The keys below one prefix, those of the live state included."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.gateways = f"{prefix}:gateways"
        self.processors = f"{prefix}:server:processors"
        self.ready = f"{prefix}:server:ready"
        self.bell = f"{prefix}:server:bell"
        self.epoch = f"{prefix}:server:epoch"
        self.deadlines = f"{prefix}:server:deadlines"
        self.dead = f"{prefix}:server:dead"
        self.shared_requests = f"{prefix}:requests"
        self.announced_connect = f"{prefix}:control:connect"
        self.announced_disconnect = f"{prefix}:control:disconnect"
        self.active = f"{prefix}:active"

    @property
    def prefix(self) -> str:
        return self._prefix

    def requests(self, identity: str) -> str:
        return f"{self._prefix}:requests:{identity}"

    def responses(self, identity: str) -> str:
        return f"{self._prefix}:responses:{identity}"

    def gateway_bell(self, ws_server_id: str) -> str:
        return f"{self._prefix}:gateway:{ws_server_id}"

    def taken(self, ws_server_id: str) -> str:
        return f"{self._prefix}:gateway:{ws_server_id}:taken"

    def ended(self, identity: str) -> str:
        return f"{self._prefix}:server:ended:{identity}"

    def lease(self, identity: str) -> str:
        return f"{self._prefix}:server:lease:{identity}"

    def calls(self, identity: str) -> str:
        return f"{self._prefix}:server:calls:{identity}"

    def pending(self, identity: str) -> str:
        return f"{self._prefix}:server:pending:{identity}"

    def dead_of(self, identity: str) -> str:
        return f"{self._prefix}:server:dead:{identity}"

    def bell_of(self, processor: str) -> str:
        return f"{self._prefix}:server:bell:{processor}"


def script(*names: str) -> Script:
    """A script of this package, after those whose functions it uses: `script("legacy", "legacy_tidy")`."""
    return Script(*names, folder=_SCRIPTS)
