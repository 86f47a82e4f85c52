"""Messages in several languages, which OCPP 2.1 has."""

from __future__ import annotations

import json

from tests.conformance.displays import TEXT, messages, path, show, stored
from tests.conformance.peer import V21, V201, station

GERMAN = {"format": "UTF8", "language": "de", "content": "Ab 18 Uhr geschlossen."}


async def test_TC_O_100_a_language_that_the_station_does_not_know(server, operator, records):
    async with station(server, V21) as peer:
        data, sent = await show(operator, peer, {"status": "LanguageNotSupported"}, language="tlh")
        (shown,) = await messages(operator, peer)

    assert (sent["message"]["language"], sent["priority"]) == ("tlh", "NormalCycle")
    assert (data["state"], data["reason"]) == ("refused", "LanguageNotSupported")
    assert (shown["state"], shown["reason"]) == ("refused", "LanguageNotSupported")
    (row,) = stored(records, peer)
    assert (row["number"], row["language"]) == (sent["id"], "tlh")
    assert (row["state"], row["reason"]) == ("refused", "LanguageNotSupported")


async def test_TC_O_101_two_languages(server, operator, records):
    async with station(server, V21) as peer:
        data, sent = await show(operator, peer, language="en", messageExtra=[GERMAN])
        (shown,) = await messages(operator, peer)

    assert sent["message"] == {"format": "UTF8", "language": "en", "content": TEXT}
    assert sent["messageExtra"] == [GERMAN]
    assert (data["state"], shown["messageExtra"]) == ("confirmed", [GERMAN])
    (row,) = stored(records, peer)
    assert (row["language"], row["content"], row["state"]) == ("en", TEXT, "confirmed")
    assert json.loads(row["extra"]) == [GERMAN]


async def test_TC_O_101_another_version_has_one_language_only(server, operator, records):
    async with station(server, V201) as peer:
        code, answer = await operator.request(
            "POST", path(peer, "set-display-message"), {"content": TEXT, "messageExtra": [GERMAN]}
        )

        await peer.heartbeat()  # it got no call

    assert (code, answer["success"]) == (400, False)
    assert stored(records, peer) == []
