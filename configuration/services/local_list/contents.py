"""The contents of a list as the server remembers them: the tokens by primary key, and digests.

A stored copy has no uid. So an erased person is in no copy, and a token whose uid has changed can't be named
any more: only a Full list takes the old uid off the station.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from ocpp_server.protocol.translate import IdToken

_DIGEST_BYTES = 6
_LONGEST_KEY = 64  # of blake2b


class Stamp(NamedTuple):
    """One entry: the 2.x type of the token (empty in 1.6), the digest of its name and that of its status."""

    type: str
    name: str
    status: str


# By the primary keys of the tokens.
Contents = dict[int, Stamp]


def name_digest(token: IdToken) -> str:
    """Names are compared without case (1.6 CiString20, 2.x identifierString)."""
    return _digest(f"{token.type} {token.value.casefold()}".encode())


def stamp(token: IdToken, entry: Mapping[str, Any]) -> Stamp:
    """The stamp of an entry as it is sent."""
    return Stamp(token.type, name_digest(token), _digest(orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)))


def packed(contents: Contents) -> str:
    """The stored text."""
    return orjson.dumps({str(pk): list(one) for pk, one in contents.items()}).decode()


def unpacked(text: str) -> Contents:
    """The contents of a stored text."""
    return {int(pk): Stamp(*one) for pk, one in orjson.loads(text).items()}


def digest(contents: Contents) -> str:
    """The digest of a whole list; two lists with the same entries have the same, whatever their order."""
    # The digests are keyed already, and have no comma.
    joined = ",".join(sorted(f"{one.name}={one.status}" for one in contents.values()))
    return blake2b(joined.encode(), digest_size=16).hexdigest()


def payload_digest(payload: Mapping[str, Any]) -> str:
    """The digest of a SendLocalList, by which its answer is recognised."""
    return blake2b(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _digest(data: bytes) -> str:
    # With a key: the few possible uids of a card could be tried otherwise.
    key = settings.SECRET_KEY.encode()[:_LONGEST_KEY]
    return blake2b(data, digest_size=_DIGEST_BYTES, key=key).hexdigest()
