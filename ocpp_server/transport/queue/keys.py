"""The names of the queue's keys in Redis, and the scripts that change them in one step.

`P:clients`, `P:session:{id}` and `P:news` belong to the live state (`ocpp_server.live.redis.keys`), which
finds a station at a gateway in the same way as a station whose socket a process of the server holds.

| key | type | content |
|---|---|---|
| `P:requests:{id}` | list | station -> server envelopes; LPUSH, the head is the right end; no TTL |
| `P:responses:{id}` | list | server -> gateway envelopes; LPUSH / RPOP; expires 120 s after the last push |
| `P:gateways` | sorted set | ws_server_id: milliseconds (Redis' clock) until which the gateway is alive |
| `P:gateway:{ws_server_id}` | list | wake-ups: RPUSH {id} with every push to `P:responses:{id}`; expires |
| `P:gateway:{ws_server_id}:taken` | hash | the answers of its last take, in case the reply is lost |
| `P:server:ended:{id}` | hash | the session of a gateway that seemed dead, for an hour |
| `P:server:processors` | sorted set | processor: milliseconds until which it is alive |
| `P:server:ready` | sorted set | stations with unread requests: ms when due, or the lease's end |
| `P:server:bell` | list | wake-ups: LPUSH 1 + LTRIM 0 63; idle processors BLPOP it, and poll |
| `P:server:bell:{processor}` | list | wake-ups of one processor: a station that it has loaded is due |
| `P:server:epoch` | hash | identity: fencing counter, only ever incremented |
| `P:server:lease:{id}` | hash | owner, epoch, attempts; expires, which is when the key does (ms) |
| `P:server:calls:{id}` | list | queued outgoing CALLs, the next one at the right end |
| `P:server:pending:{id}` | hash | the one CALL in flight |
| `P:server:deadlines` | sorted set | identity: the next deadline of its outgoing CALLs |
| `P:server:dead`, `P:server:dead:{id}` | list | dead letters, trimmed |
| `P:requests` | list | the one list of a legacy gateway for all stations |
| `P:control:connect`, `P:control:disconnect` | channel | the announcements of a legacy gateway |
| `P:active` | set | the connected stations, for readers of the legacy gateway's keys |

The session of a gateway has no field `channel`; the session of a process of the server has one. When the
session of a gateway replaces another, the connect step stores the `session_id` and `channel` of the other as
`replaced_id` and `replaced_channel`, and the processor waits until the process at that channel has finished.
The processor adds `settles_at`: when calls may be sent at the latest; 0 after the station's first message.

Every push of a request marks the station ready with Redis' time in milliseconds (`ZADD NX`), so that the
station that has waited longest is served first. At most 64 wake-ups are kept, so at most 64 idle processors
wake at once. Answers that no gateway takes expire after 120 s: the gateway and its sockets are gone by then.
"""

from __future__ import annotations

from pathlib import Path

from ocpp_server.live.redis.keys import Keys, Script

_SCRIPTS = Path(__file__).parent / "scripts"


class QueueKeys(Keys):
    """The keys of the queue and of the live state, below one prefix."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.gateways = f"{prefix}:gateways"
        self.processors = f"{prefix}:server:processors"
        self.ready = f"{prefix}:server:ready"
        self.wakeups = f"{prefix}:server:bell"
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

    def gateway_wakeups(self, ws_server_id: str) -> str:
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

    def wakeups_of(self, processor: str) -> str:
        return f"{self._prefix}:server:bell:{processor}"


def script(*names: str) -> Script:
    """The last of these scripts, with the others, whose functions it uses, in front of it:
    `script("legacy", "legacy_tidy")`.
    """
    return Script(*names, folder=_SCRIPTS)
