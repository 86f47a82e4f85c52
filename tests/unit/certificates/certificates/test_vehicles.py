"""The contracts that a vehicle has not asked for yet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from certificates.services.certificates import vehicles as module
from certificates.services.certificates.provided import Asked, Contract
from certificates.services.certificates.vehicles import Failed, Given, Vehicles

ASKED = Asked("CP-1", "urn:20", "Install", "AQID", most=10)
MOST = 17_000


class Provider:
    """Has three contracts for every vehicle."""

    def __init__(self) -> None:
        self.asked = 0
        self.exi = ["AAAA", "BBBB", "CCCC"]

    async def contracts(self, asked: Asked) -> Sequence[Contract]:
        self.asked += 1
        return [Contract(exi) for exi in self.exi]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    monkeypatch.setattr(module, "providers", made)
    return made


async def test_a_contract_is_the_next_one_until_it_is_taken(provider: Provider) -> None:
    vehicles = Vehicles()

    assert [await vehicles.next(1, ASKED, MOST) for _ in range(2)] == [Given("AAAA", 2)] * 2
    for given in (Given("BBBB", 1), Given("CCCC", 0), Given("AAAA", 2)):
        vehicles.taken(1, ASKED)
        assert await vehicles.next(1, ASKED, MOST) == given

    assert provider.asked == 2


@pytest.mark.parametrize(
    "other",
    [
        (2, ASKED),
        (1, ASKED._replace(exi="AQIE")),
        (1, ASKED._replace(schema="urn:2")),
        (1, ASKED._replace(action="Update")),
    ],
)
async def test_another_station_and_another_request_have_their_own(
    provider: Provider, other: tuple[int, Asked]
) -> None:
    vehicles = Vehicles()
    await vehicles.next(1, ASKED, MOST)
    vehicles.taken(*other)
    vehicles.taken(1, ASKED)

    assert await vehicles.next(*other, MOST) == Given("AAAA", 2)
    assert await vehicles.next(1, ASKED, MOST) == Given("BBBB", 1)


async def test_a_vehicle_of_15118_2_has_one_contract_and_nothing_is_kept(provider: Provider) -> None:
    vehicles, asked = Vehicles(), ASKED._replace(most=1)

    assert [await vehicles.next(1, asked, MOST) for _ in range(2)] == [Given("AAAA", 0)] * 2
    assert provider.asked == 2


async def test_contracts_are_kept_for_five_minutes(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicles = Vehicles()
    await vehicles.next(1, ASKED, MOST)
    vehicles.taken(1, ASKED)
    now = module.time.monotonic()

    monkeypatch.setattr(module.time, "monotonic", lambda: now + module.KEPT_S - 1)
    assert await vehicles.next(1, ASKED, MOST) == Given("BBBB", 1)
    monkeypatch.setattr(module.time, "monotonic", lambda: now + module.KEPT_S + 1)
    assert await vehicles.next(1, ASKED, MOST) == Given("AAAA", 2)


async def test_the_oldest_contracts_go_when_there_are_too_many(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    vehicles = Vehicles()
    for station in (1, 2, 3):
        await vehicles.next(station, ASKED, MOST)
        vehicles.taken(station, ASKED)

    assert await vehicles.next(2, ASKED, MOST) == Given("BBBB", 1)
    assert await vehicles.next(3, ASKED, MOST) == Given("BBBB", 1)
    assert await vehicles.next(1, ASKED, MOST) == Given("AAAA", 2)


async def test_a_contract_that_does_not_fit_is_not_sent(provider: Provider) -> None:
    provider.exi = ["A" * 8, "BBBB"]
    vehicles = Vehicles()

    first = await vehicles.next(1, ASKED, 7)
    vehicles.taken(1, ASKED)

    assert first == Failed("TooLargeElement", "The answer has 8 characters; 7 fit.")
    assert await vehicles.next(1, ASKED, 7) == Given("BBBB", 0)
