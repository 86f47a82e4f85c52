"""The digests by which the contents of lists are compared."""

from __future__ import annotations

from typing import Any

from configuration.services.local_list import contents
from configuration.services.local_list.contents import Stamp
from ocpp_server.protocol.translate import IdToken


def test_a_name_is_the_type_and_the_id_without_case() -> None:
    name = contents.name_digest(IdToken("Card", "ISO14443"))

    assert len(name) == 12
    assert name == contents.name_digest(IdToken("cARD", "ISO14443"))
    assert name not in (
        contents.name_digest(IdToken("Card")),
        contents.name_digest(IdToken("Card2", "ISO14443")),
    )


def test_a_digest_needs_the_key_of_the_server(settings: Any) -> None:
    settings.SECRET_KEY = "k" * 64
    name = contents.name_digest(IdToken("CARD"))

    settings.SECRET_KEY = "k" * 65
    assert contents.name_digest(IdToken("CARD")) == name
    settings.SECRET_KEY = "k" * 63 + "l"
    assert contents.name_digest(IdToken("CARD")) != name


def test_a_stamp_changes_with_the_entry_and_not_with_the_order_of_its_fields() -> None:
    token = IdToken("CARD", "ISO14443")
    one, same = ({"a": 1, "b": 2}, {"b": 2, "a": 1})

    assert contents.stamp(token, one) == contents.stamp(token, same)
    assert contents.stamp(token, one)[:2] == ("ISO14443", contents.name_digest(token))
    assert contents.stamp(token, one).status != contents.stamp(token, {"a": 1, "b": 3}).status


def test_lists_with_the_same_entries_have_one_digest() -> None:
    first, second = Stamp("T", "n", "s"), Stamp("", "m", "t")
    listed = {1: first, 2: second}

    assert contents.digest(listed) == contents.digest({3: second, 4: first})
    assert len(contents.digest(listed)) == 32
    for other in ({1: first}, {1: first, 2: second._replace(status="u")}, {1: first, 2: Stamp("", "k", "t")}):
        assert contents.digest(other) != contents.digest(listed)
    assert contents.unpacked(contents.packed(listed)) == listed


def test_an_update_is_recognised_by_its_payload() -> None:
    payload = {"listVersion": 5, "updateType": "Full"}

    digest = contents.payload_digest(payload)

    assert len(digest) == 32 and digest == contents.payload_digest(dict(reversed(payload.items())))
    assert digest != contents.payload_digest(payload | {"listVersion": 6})
