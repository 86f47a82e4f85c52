"""Messages in several languages, which OCPP 2.1 has."""

from __future__ import annotations

from tests.conformance.displays import TEXT, messages, path, show
from tests.conformance.peer import V21, V201, station

GERMAN = {"format": "UTF8", "language": "de", "content": "Ab 18 Uhr geschlossen."}


async def test_TC_O_100_a_language_that_the_station_does_not_know(server, operator):
    async with station(server, V21) as peer:
        data, sent = await show(operator, peer, {"status": "LanguageNotSupported"}, language="tlh")
        (row,) = await messages(operator, peer)

    assert (sent["message"]["language"], sent["priority"]) == ("tlh", "NormalCycle")
    assert (data["state"], data["reason"]) == ("refused", "LanguageNotSupported")
    assert (row["state"], row["reason"]) == ("refused", "LanguageNotSupported")


async def test_TC_O_101_two_languages(server, operator):
    async with station(server, V21) as peer:
        data, sent = await show(operator, peer, language="en", messageExtra=[GERMAN])
        (row,) = await messages(operator, peer)

    assert sent["message"] == {"format": "UTF8", "language": "en", "content": TEXT}
    assert sent["messageExtra"] == [GERMAN]
    assert (data["state"], row["messageExtra"]) == ("confirmed", [GERMAN])


async def test_TC_O_101_another_version_has_one_language_only(server, operator):
    async with station(server, V201) as peer:
        code, answer = await operator.request(
            "POST", path(peer, "set-display-message"), {"content": TEXT, "messageExtra": [GERMAN]}
        )

    assert (code, answer["success"]) == (400, False)
