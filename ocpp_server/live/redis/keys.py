"""The names of the keys in Redis, and the scripts that change them atomically. `KEYS` is never used: there is
an index of every set of keys.

| key | type | content |
|---|---|---|
| `P:clients` | sorted set | identity: when the lease of its connection expires, in ms of Redis' clock |
| `P:session:{id}` | hash | the station's connection: session_id, ws_server_id, remote_addr, protocol, ... |
| `P:business:transactions` | hash | number: the running transaction, JSON |
| `P:business:connectors:{id}` | hash | `evse.connector`: its status, JSON |
| `P:business:reservations:{id}` | hash | `held`: its accepted reservations, JSON; they may have expired |
| `P:business:stations` | set | identities that have a hash of connectors |
| `P:config:{id}` | hash | stored configuration keys that differ from their defaults |
| `P:server:txid` | string | the last transaction number |
| `P:server:birth` | hash | a mark that a flush removes, when it was set, and the run id of Redis |
| `P:server:probe` | string | the process that last checked whether Redis can be written; expires |
| `P:server:housekeeper` | string | the elected housekeeper; expires |
| `P:server:housekeeper:first` | string | a process with the role housekeeping, if there is one; expires |
| `P:recent:{kind}:{address}:{identity}` | sorted set | see `live/redis/recent.py` |
| `P:probes` | sorted set | see `live/redis/probes.py` |
| `P:probe:{connection id}` | string | see `live/redis/probes.py`; expires |
| `P:news` | channel | changes that every process must know at once |
"""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

from ocpp_server.live import extensions


class Keys:
    """The keys below one prefix."""

    def __init__(self, prefix: str) -> None:
        self.clients = f"{prefix}:clients"
        self.transactions = f"{prefix}:business:transactions"
        self.stations = f"{prefix}:business:stations"
        self.numbers = f"{prefix}:server:txid"
        self.mark = f"{prefix}:server:birth"
        self.probe = f"{prefix}:server:probe"
        self.probes = f"{prefix}:probes"
        self.housekeeper = f"{prefix}:server:housekeeper"
        self.election = [self.housekeeper, f"{self.housekeeper}:first"]
        self.news = f"{prefix}:news"
        self._prefix = prefix

    def session(self, identity: str) -> str:
        return f"{self._prefix}:session:{identity}"

    def recent(self, kind: str, address: str, identity: str) -> str:
        return f"{self._prefix}:recent:{kind}:{address}:{identity}"

    def probe_of(self, connection_id: str) -> str:
        return f"{self._prefix}:probe:{connection_id}"

    def config(self, identity: str) -> str:
        return f"{self._prefix}:config:{identity}"

    def business(self, extension: str, identity: str) -> str:
        """The hash that a station extension publishes of a station."""
        return f"{self._prefix}:business:{extension}:{identity}"

    def of_station(self, identity: str) -> list[str]:
        """All keys that are deleted when a station is removed."""
        shown = [one.name for one in extensions.registered().values() if one.show is not None]
        return [self.config(identity), *(self.business(name, identity) for name in shown)]


class Script:
    """A Lua script: run by its hash, and sent as text when Redis does not have it (any more)."""

    def __init__(self, *names: str, folder: Path = Path(__file__).parent / "scripts") -> None:
        # Several names are joined: functions that scripts share are in a file of their own, named first.
        self.text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
        digest = sha1(self.text.encode(), usedforsecurity=False)  # equivalent: it matters under FIPS only
        self.sha = digest.hexdigest()


HOLD, RELEASE, RENEW, FIND, ONLINE, REMOVE_DEAD = map(
    Script, ("hold", "release", "renew", "find", "online", "remove_dead")
)
NUMBER, ELECT, RESIGN, MARK = map(Script, ("number", "elect", "resign", "mark"))
