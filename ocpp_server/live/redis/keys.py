"""The names of our keys in Redis and the scripts that change them in one step. `KEYS` is never asked: every
set has its index.

| key | type | content |
|---|---|---|
| `P:clients` | sorted set | identity: milliseconds (Redis' clock) until which its connection is alive |
| `P:session:{id}` | hash | who holds the station: session_id, ws_server_id, remote_addr, protocol, ... |
| `P:business:transactions` | hash | number: the running transaction, JSON |
| `P:business:connectors:{id}` | hash | `evse.connector`: its status, JSON |
| `P:business:stations` | set | identities that have a hash of connectors |
| `P:config:{id}` | hash | stored configuration keys that differ from their defaults |
| `P:server:txid` | string | the last transaction number |
| `P:server:birth` | hash | a mark that a flush takes away; since when, of which run of Redis |
| `P:server:probe` | string | who last looked whether Redis can be written; expires |
| `P:server:housekeeper` | string | the process that does the housekeeping; expires |
| `P:server:housekeeper:first` | string | a process that was started for it, while there is one; expires |
| `P:recent:{what}:{address}:{identity}` | sorted set | see `redis_recent` |
| `P:news` | channel | what every process must know at once |
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
        self.housekeeper = f"{prefix}:server:housekeeper"
        self.offices = [self.housekeeper, f"{self.housekeeper}:first"]
        self.news = f"{prefix}:news"
        self._prefix = prefix

    def session(self, identity: str) -> str:
        return f"{self._prefix}:session:{identity}"

    def recent(self, what: str, address: str, identity: str) -> str:
        return f"{self._prefix}:recent:{what}:{address}:{identity}"

    def config(self, identity: str) -> str:
        return f"{self._prefix}:config:{identity}"

    def business(self, extension: str, identity: str) -> str:
        """The hash of what a station extension shows of a station."""
        return f"{self._prefix}:business:{extension}:{identity}"

    def of_station(self, identity: str) -> list[str]:
        """All keys that are deleted when a station is removed."""
        shown = [one.name for one in extensions.registered().values() if one.show is not None]
        return [self.config(identity), *(self.business(name, identity) for name in shown)]


class Script:
    """A Lua script: run by its hash, and sent whole when Redis does not know it (any more)."""

    def __init__(self, *names: str, folder: Path = Path(__file__).parent / "scripts") -> None:
        # Functions that several scripts share are a file of their own, put in front.
        self.text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


HOLD, RELEASE, RENEW, FIND, ONLINE, REMOVE_DEAD = map(
    Script, ("hold", "release", "renew", "find", "online", "remove_dead")
)
NUMBER, ELECT, RESIGN, MARK = map(Script, ("number", "elect", "resign", "mark"))
