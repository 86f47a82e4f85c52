"""VAT numbers: their forms, and a checker that may fail or take too long."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21
from tariffs.services.payment import vat_forms, vat_numbers
from tariffs.services.payment.vat_numbers import (
    FORM_ONLY,
    INVALID_FORM,
    UNKNOWN_COUNTRY,
    UNREACHABLE,
    VatChecker,
    Verdict,
)

VALID = [
    "ATU12345678",
    "BE0123456789",
    "BG123456789",
    "BG1234567890",
    "CY12345678X",
    "CZ12345678",
    "CZ1234567890",
    "DE123456789",
    "DK12345678",
    "EE123456789",
    "EL123456789",
    "ESX1234567X",
    "ES12345678X",
    "ESX12345678",
    "FI12345678",
    "FR12345678901",
    "FRXX345678901",
    "HR12345678901",
    "HU12345678",
    "IE1234567A",
    "IE1A23456A",
    "IE1234567AB",
    "IT12345678901",
    "LT123456789",
    "LT123456789012",
    "LU12345678",
    "LV12345678901",
    "MT12345678",
    "NL123456789B01",
    "PL1234567890",
    "PT123456789",
    "RO12",
    "RO1234567890",
    "SE123456789001",
    "SI12345678",
    "SK1234567890",
    "XI123456789",
    "XIGD123",
]
WRONG = [
    "AT12345678",
    "ATU1234567",
    "ATU123456789",
    "BE2123456789",
    "BE123456789",
    "DE12345678",
    "DE1234567890",
    "DE١٢٣٤٥٦٧٨٩",
    "FRO0345678901",
    "SE123456789002",
    "IE12345678",
    "RO1",
    "NL123456789012B",
    "XIAB123",
    "ATU12345678X",
]


@pytest.mark.parametrize("number", VALID)
def test_numbers_of_the_right_form(number: str) -> None:
    assert vat_forms.is_well_formed(number)


@pytest.mark.parametrize("number", WRONG)
def test_numbers_of_a_wrong_form(number: str) -> None:
    assert vat_forms.has_known_country(number)
    assert not vat_forms.is_well_formed(number)


def test_every_country_has_an_example() -> None:
    assert {number[:2] for number in VALID} == vat_forms.COUNTRIES
    assert vat_forms.normal(" at-u 123.456/78 ") == "ATU12345678"
    assert not vat_forms.has_known_country("GB123456789")


asked: list[str] = []


async def register(number: str) -> Verdict:
    asked.append(number)
    if number.startswith("DE"):
        raise ConnectionError
    if number.startswith("FR"):
        await asyncio.sleep(60)
    name = {"AT": "A" * 60, "BE": ""}[number[:2]]
    company = {"name": name, "address1": "Ring 1", "city": "Wien", "country": "Austria", "more": "x"}
    return Verdict(True, "R" * 30, "S" * 2000, company)


@pytest.fixture
def checker() -> VatChecker:
    asked.clear()
    found = VatChecker()
    found.load(f"{__name__}.register", limit_s=0.05)
    return found


async def test_the_answer_fits_the_schema_and_is_kept(checker: VatChecker) -> None:
    first = await checker.verdict("at u12345678")
    again = await checker.verdict("ATU12345678")

    company = {"name": "A" * 50, "address1": "Ring 1", "city": "Wien", "country": "Austria"}
    assert first == Verdict(True, "R" * 20, "S" * 1024, company)
    assert (again, asked) == (first, ["ATU12345678"])
    assert (await checker.verdict("BE0123456789")).company is None  # a company needs a name


async def test_a_failure_or_a_long_look_up_rejects_the_number(checker: VatChecker) -> None:
    for number in ("DE123456789", "FR12345678901"):
        assert await checker.verdict(number) == await checker.verdict(number) == UNREACHABLE
    assert UNREACHABLE.status == "Rejected"
    assert len(asked) == 4  # it is asked again: the service may be back


async def test_a_wrong_form_is_not_looked_up(checker: VatChecker) -> None:
    assert await checker.verdict("DE1") == INVALID_FORM
    assert asked == []


async def test_a_number_of_another_country_is_not_looked_up(checker: VatChecker) -> None:
    assert await checker.verdict("GB123456789") == UNKNOWN_COUNTRY
    assert (UNKNOWN_COUNTRY.status, UNKNOWN_COUNTRY.reason) == ("Rejected", "UnknownCountry")
    assert asked == []


async def test_an_answer_is_kept_for_a_day(checker: VatChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(vat_numbers, "time", SimpleNamespace(monotonic=lambda: clock.now))
    number = "ATU12345678"

    for seconds, times in ((0, 1), (86_399, 1), (86_400, 2), (172_799, 2)):
        clock.now = 1000.0 + seconds
        assert (await checker.verdict(number)).is_valid
        assert len(asked) == times


async def test_another_checker_does_not_use_the_memory_of_the_first(checker: VatChecker) -> None:
    first = await checker.verdict("ATU12345678")

    checker.load(f"{__name__}.register", limit_s=5)
    assert await checker.verdict("ATU12345678") == first
    assert len(asked) == 2
    checker.load("", limit_s=5)
    assert await checker.verdict("ATU12345678") == FORM_ONLY


async def test_the_answers_about_a_thousand_numbers_are_kept(checker: VatChecker) -> None:
    numbers = [f"BE0{number:09}" for number in range(1000)]
    for number in numbers:
        await checker.verdict(number)

    await checker.verdict(numbers[0])
    assert len(asked) == 1000
    await checker.verdict("ATU12345678")
    await checker.verdict(numbers[1])
    assert len(asked) == 1001
    await checker.verdict(numbers[0])
    assert len(asked) == 1002


async def test_the_memory_has_a_limit(checker: VatChecker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vat_numbers, "MOST_KEPT", 1)
    for number in ("ATU12345678", "ATU12345679", "ATU12345678"):
        await checker.verdict(number)

    assert len(asked) == 3


async def test_without_a_checker_the_answer_says_what_was_checked() -> None:
    checker = VatChecker()

    assert await checker.verdict("ATU12345678") == FORM_ONLY
    assert (FORM_ONLY.status, FORM_ONLY.reason) == ("Accepted", "FormOnly")


def test_a_checker_that_can_not_be_imported_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"OCPP_VAT_CHECKER: nowhere\.x can't be imported"):
        VatChecker().load("nowhere.x", limit_s=1)


COMPANY = {
    "name": "N" * 50,
    "address1": "A" * 100,
    "address2": "B" * 100,
    "city": "C" * 100,
    "postalCode": "P" * 20,
    "country": "L" * 50,
}


def test_the_parts_of_a_company_are_cut_to_the_schema() -> None:
    longer = {name: text + text[0] for name, text in COMPANY.items()}

    found = vat_numbers.fitting(Verdict(True, "R" * 21, "S" * 1025, longer | {"more": "x"}))

    assert found == Verdict(True, "R" * 20, "S" * 1024, COMPANY)
    answer = {"vatNumber": "V", "status": found.status, "company": dict(found.company or {})}
    schemas.outgoing(V21, "VatNumberValidation", "response", answer)
    assert vat_numbers.fitting(Verdict(False)) == Verdict(False)


@pytest.mark.parametrize("name", sorted(COMPANY))
@pytest.mark.parametrize("value", [None, ""])
def test_a_company_needs_its_required_parts(name: str, value: str | None) -> None:
    given: dict[str, Any] = COMPANY | {name: value}

    found = vat_numbers.fitting(Verdict(True, company=given))

    rest = {other: text for other, text in COMPANY.items() if other != name}
    assert found == Verdict(True, company=rest if name in ("address2", "postalCode") else None)
