"""The tokens of a station's list, in their order. Pure: no database, no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from heapq import merge
from itertools import chain, islice
from typing import Final, NamedTuple

from ocpp_server.live.records import TokenRecord
from ocpp_server.protocol.translate import IdToken, Verdict
from ocpp_server.protocol.translate.local_list import fits, listed_token
from ocpp_server.sites import is_for_tests
from transactions.services.authorization.listing import Use, verdict

# The 2.x type of a token that was never presented at the station, by the token's own type.
_TYPES: Final = {"RFID": "ISO14443", "EMAID": "eMAID"}
_OTHER_TYPE: Final = "Central"
# The 2.x types of tokens that drivers present at a station. Others come from remote starts.
_PRESENTED: Final = frozenset({"ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "eMAID"})
# A place that no rule names: who may charge there may charge at every station without rules.
_NO_STATION: Final = 0


class Listed(NamedTuple):
    """A token of a list, with the part of the decision that its entry shows. `type` is its 2.x type."""

    pk: int
    uid: str
    type: str
    verdict: Verdict
    group_id: str
    expires_at: datetime | None


class Selection(NamedTuple):
    """The tokens of a list in their order. `eligible` is their number without the limit of the station,
    `unfit` the number of tokens that are too long for its version. `changes_at` is when the next token begins
    to be valid.
    """

    tokens: list[Listed]
    eligible: int
    unfit: int
    changes_at: datetime | None


class Pool:
    """All tokens that stations of a version may keep, as of a moment; most are judged once for all stations.

    `add` the tokens in the order of their keys, then `select` for each station.
    """

    def __init__(self, version: str, now: datetime) -> None:
        self.version, self.now = version, now
        self._names: set[IdToken] = set()
        self._unfit = 0
        self._starts: list[datetime] = []
        self._records: dict[int, TokenRecord] = {}
        self._refused: dict[int, Verdict] = {}
        # Accepted everywhere; and those whose access rules make a difference.
        self._plain: list[TokenRecord] = []
        self._sorted: list[TokenRecord] = []
        self._ruled: list[TokenRecord] = []
        self._of_group: defaultdict[str, list[TokenRecord]] = defaultdict(list)

    def add(self, records: Iterable[TokenRecord]) -> None:
        for record in records:
            self._add(record)

    def _add(self, record: TokenRecord) -> None:
        if not fits(self.version, record.uid):
            self._unfit += 1
            return
        # An id is in a list once. Of two tokens with one, Authorize means the oldest.
        name = listed_token(self.version, record.uid.casefold(), _usual_type(record))
        if name in self._names:
            return
        self._names.add(name)
        self._records[record.pk] = record
        self._starts += [
            at for at in (record.valid_from, record.contract_from) if at is not None and at > self.now
        ]
        if record.refused_at is not None or record.allowed_at:
            self._ruled.append(record)
            return
        found = verdict(record, now=self.now, station=_NO_STATION, site=None)
        if found is not Verdict.ACCEPTED:
            self._refused[record.pk] = found
            return
        self._plain.append(record)
        if record.group_id:
            self._of_group[record.group_id.casefold()].append(record)

    def select(
        self,
        *,
        station: int,
        site: int | None,
        used: Mapping[int, Use],
        most: int | None,
        is_test: bool = False,
    ) -> Selection:
        """The tokens that may charge at the station, and the refused ones that were used there: the station
        may have those in its cache.

        A list that is longer than `most` keeps the tokens that were used there, the latest first; then the
        other tokens of their groups; then those of other groups; then the newest ones. With `is_test` only
        the tokens of tests are in it.
        """
        judged = {
            record.pk: verdict(record, now=self.now, station=station, site=site) for record in self._ruled
        }
        allowed = [record for record in self._ruled if judged[record.pk] is Verdict.ACCEPTED]
        refused = self._refused | {pk: one for pk, one in judged.items() if one is not Verdict.ACCEPTED}
        here = sorted(
            (self._records[pk] for pk in used if pk in self._records),
            key=lambda record: (used[record.pk].at, record.pk),
            reverse=True,
        )
        groups = {record.group_id.casefold(): None for record in here if record.group_id}
        ordered: Iterator[TokenRecord] = chain(here, self._in_groups(groups, allowed), self._others(allowed))
        eligible = len(self._plain) + len(allowed) + sum(record.pk in refused for record in here)
        if is_test:
            fit = list(_once(record for record in ordered if is_for_tests(record.uid)))
            ordered, eligible = iter(fit), len(fit)
        tokens = [
            Listed(
                record.pk,
                record.uid,
                _type_at(record, used.get(record.pk)),
                refused.get(record.pk, Verdict.ACCEPTED),
                record.group_id,
                record.expires_at,
            )
            for record in islice(_once(ordered), most)
        ]
        starts = (at for at in self._starts if at > self.now)
        return Selection(tokens, eligible, self._unfit, min(starts, default=None))

    def _in_groups(self, groups: Iterable[str], allowed: list[TokenRecord]) -> Iterator[TokenRecord]:
        for group in groups:
            of_group = [record for record in allowed if record.group_id.casefold() == group]
            yield from sorted([*self._of_group.get(group, ()), *of_group], key=_newest, reverse=True)

    def _others(self, allowed: list[TokenRecord]) -> Iterator[TokenRecord]:
        if len(self._sorted) != len(self._plain):
            self._sorted = sorted(self._plain, key=_grouped_and_newest, reverse=True)
        of_rules = sorted(allowed, key=_grouped_and_newest, reverse=True)
        return merge(self._sorted, of_rules, key=_grouped_and_newest, reverse=True)


def _newest(record: TokenRecord) -> int:
    return record.pk


def _grouped_and_newest(record: TokenRecord) -> tuple[bool, int]:
    return bool(record.group_id), record.pk


def _once(records: Iterable[TokenRecord]) -> Iterator[TokenRecord]:
    seen: set[int] = set()
    for record in records:
        if record.pk not in seen:
            seen.add(record.pk)
            yield record


def _usual_type(record: TokenRecord) -> str:
    return _TYPES.get(record.type, _OTHER_TYPE)


def _type_at(record: TokenRecord, use: Use | None) -> str:
    """The 2.x type as the station reads the token: there are two kinds of cards."""
    return use.type if use is not None and use.type in _PRESENTED else _usual_type(record)
