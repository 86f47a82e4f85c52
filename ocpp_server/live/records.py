"""The records of the live state: msgspec structs, so that memory and Redis can hold the same ones."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from ocpp_server.live.registers import Registers


class Connection(msgspec.Struct):
    """A station's connection and the process that holds its socket.

    Every connection has a new `id`. A close compares it, so a late close of an older connection changes
    nothing. Without a `channel` the gateway `server` holds the socket.
    """

    id: str
    identity: str
    version: str
    channel: str
    remote_address: str
    connected_at: datetime
    server: str = ""


class ConnectorState(msgspec.Struct):
    pk: int
    evse: int
    number: int
    status: str = ""
    error_code: str = ""
    info: str = ""
    reported_at: datetime | None = None
    # The station's time of the status.
    changed_at: datetime | None = None


class Places(msgspec.Struct, frozen=True):
    """Stations and sites by their primary keys."""

    stations: frozenset[int] = frozenset()
    sites: frozenset[int] = frozenset()

    def include(self, station: int, site: int | None) -> bool:
        return station in self.stations or site in self.sites


class Budget(msgspec.Struct, frozen=True):
    """The energy (Wh) that a token or contract may use. `subject` is its owner: "token:7", "contract:3"."""

    subject: str
    wh_per_day: int | None
    wh_per_month: int | None


class Consumption(msgspec.Struct, frozen=True):
    """The energy used of a budget as of `day`; days and months are those of TIME_ZONE."""

    day: date
    day_mwh: int
    month_mwh: int


class TokenRecord(msgspec.Struct, frozen=True):
    """The fields of a token, its bearer and its contract that authorization needs."""

    pk: int
    uid: str
    type: str
    status: str
    valid: bool
    expires_at: datetime | None
    group_id: str
    valid_from: datetime | None = None
    is_master: bool = False
    user_status: str = ""
    contract_id: str = ""
    contract_status: str = ""
    contract_from: datetime | None = None
    contract_until: datetime | None = None
    # The reason why the bearer may not charge on the contract: viewer, invited, removed or stranger.
    bar: str = ""
    # From the access rules of token, group and contract: the places where one of them is refused, and the
    # allowed places of each that is limited to some.
    refused_at: Places | None = None
    allowed_at: tuple[Places, ...] = ()
    budgets: tuple[Budget, ...] = ()


class Announced(msgspec.Struct, frozen=True):
    """The content and time of the last event about a session: a difference makes the next one."""

    at: datetime
    energy_mwh: int
    charging_state: str
    id_token: str
    suspicions: int


class TransactionState(msgspec.Struct, kw_only=True):
    """A running or recent transaction of one station. Energies are whole thousandths of a Wh; times are aware
    UTC.
    """

    id: int
    ocpp_id: str
    generation: int = 0
    station: str
    evse: int | None = None
    connector: int | None = None
    id_token: str = ""
    id_token_type: str = ""
    token_key: str = ""
    token_pk: int | None = None
    group_id: str = ""
    authorization_status: str = ""
    authorization_reason: str = ""
    stop_authorization_status: str = ""
    start_fingerprint: str | None = None
    stop_fingerprint: str = ""
    is_active: bool = True
    ended_by: str = ""
    charging_state: str = ""
    meter_start_mwh: int | None = None
    meter_last_mwh: int | None = None
    energy_mwh: int = 0
    # Energy by hour; None for a transaction of an earlier release that was not counted since.
    mwh_by_hour: dict[str, int] | None = None
    registers: Registers = msgspec.field(default_factory=Registers)
    suspect_reasons: list[str] = msgspec.field(default_factory=list)
    # 2.x: the fingerprint of the event with each seqNo, to distinguish a repetition from a conflict.
    last_seq_no: int | None = None
    seq_fingerprints: dict[int, int] = msgspec.field(default_factory=dict)
    seq_types: dict[int, str] = msgspec.field(default_factory=dict)
    has_seq_order: bool = True
    has_started: bool = True
    # How often, and when last, GetTransactionStatus asked the station about missing events, or after a
    # reconnect about a running session; and when the station last confirmed that it is running.
    questions: int = 0
    asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    # Limits by their names in 2.1 (E16): those that follow from the token, those that an operator has asked
    # for, those that were sent (the last with the event of this seqNo), and those that the station has set.
    limits_wanted: dict[str, float] = msgspec.field(default_factory=dict)
    limits_asked: dict[str, float] = msgspec.field(default_factory=dict)
    limits_sent: dict[str, float] = msgspec.field(default_factory=dict)
    limits_set: dict[str, float] = msgspec.field(default_factory=dict)
    limits_seq_no: int | None = None
    # 2.1: the station calculates the cost: it has named its tariff or sent details of the cost (I12).
    counts_cost: bool = False
    remote_start_id: int | None = None
    # A battery in a slot of a battery swap station is charged (2.1 S).
    charges_battery: bool = False
    # When the station restarted during the transaction; None once the transaction has continued.
    interrupted_at: datetime | None = None
    announced: Announced | None = None
    started_at: datetime
    stopped_at: datetime | None = None
    last_message_at: datetime

    @property
    def has_drawn(self) -> bool:
        """Whether the vehicle has drawn any energy."""
        return self.energy_mwh > 0
