"""Erasing a person from the customer information that stations have sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, FollowUp, ReportAssembly
from chargepoints.services.diagnostics import customers
from chargepoints.services.follow_ups import keeping, personal

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage")


def stored(garage: ChargePoint, text: str, asked: dict[str, Any] | None = None) -> FollowUp:
    """Customer information, which may have been asked for by a command."""
    number = FollowUp.objects.count()
    command = None
    if asked is not None:
        command = Command.objects.create(
            id=f"c{number}",
            charge_point=garage,
            action="CustomerInformation",
            payload=asked,
            created_at=NOON,
            deadline_at=NOON,
        )
    return FollowUp.objects.create(
        charge_point=garage,
        command=command,
        action="NotifyCustomerInformation",
        payload="{}",
        personal_data=personal.seal(text),
        fingerprint=str(number),
        received_at=NOON,
    )


def erased() -> list[FollowUp]:
    return list(FollowUp.objects.filter(personal_data="").order_by("pk"))


def test_a_text_with_one_of_the_words_is_erased_in_any_case(garage: ChargePoint) -> None:
    found = [stored(garage, "Name: ALICE Miller"), stored(garage, "Straße 1, Alice")]
    stored(garage, "Name: Bob")

    assert keeping.erase_personal(["Nobody", "alice"]) == 2
    assert erased() == found


def test_a_text_that_was_asked_for_with_one_of_the_words_is_erased(garage: ChargePoint) -> None:
    found = stored(garage, "no name", {"customerIdentifier": "Müller-7"})
    stored(garage, "no name", {"customerIdentifier": "Meier-7"})
    stored(garage, "no name")

    assert keeping.erase_personal(["MÜLLER"]) == 1
    assert erased() == [found]


def test_a_word_of_less_than_four_characters_is_not_searched(garage: ChargePoint) -> None:
    stored(garage, "Ann Anna")

    assert keeping.erase_personal(["Ann", ""]) == 0
    assert keeping.erase_personal(["Anna"]) == 1


def test_a_text_of_a_lost_secret_key_is_erased_with_any_word(garage: ChargePoint, settings: Any) -> None:
    lost = stored(garage, "Bob")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    stored(garage, "Bob")

    assert keeping.erase_personal(["Alice"]) == 1
    assert erased() == [lost]


def test_the_text_of_a_lost_secret_key_is_not_searched_as_a_word(garage: ChargePoint) -> None:
    stored(garage, "Bob")

    assert keeping.erase_personal(["None"]) == 0


def test_a_message_without_personal_data_is_not_counted(garage: ChargePoint) -> None:
    row = stored(garage, "Alice")
    FollowUp.objects.filter(pk=row.pk).update(personal_data="")

    assert keeping.erase_personal(["Alice"]) == 0


# -- one customer at one station -----------------------------------------------------------------------------


def test_a_clearing_erases_what_the_station_has_sent_before_about_the_same_customer(
    garage: ChargePoint,
) -> None:
    other = ChargePoint.objects.create(identity="other")
    asked = {"requestId": 1, "idToken": {"idToken": "CARD-1", "type": "ISO14443"}}
    before = stored(garage, "no name", asked)
    kept = [stored(garage, "Bob", {"customerIdentifier": "bob"}), stored(other, "of CARD-1")]
    answer = stored(garage, "of CARD-1", asked | {"requestId": 2})
    FollowUp.objects.filter(pk=answer.pk).update(request_id=2)

    assert customers.cleared(garage.pk, asked | {"requestId": 2}) == 1

    assert erased() == [before]
    assert all(row.personal_data for row in (*kept, answer))


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"idToken": {"idToken": "CARD-1", "type": "Central"}}, ["CARD-1"]),
        ({"customerIdentifier": "alice"}, ["alice"]),
        ({"customerCertificate": {"serialNumber": "4711", "issuerNameHash": "ab"}}, ["4711"]),
        ({}, []),
    ],
)
def test_the_words_of_a_request(request_: dict[str, Any], words: list[str]) -> None:
    assert customers.words_of(request_) == words


def test_a_text_that_was_cleared_is_kept_for_a_day_only(garage: ChargePoint) -> None:
    now = datetime.now(UTC)
    for hours, clear in ((25, True), (23, True), (25, False), (31 * 24, False)):
        row = stored(garage, f"{hours} {clear}", {"clear": clear})
        FollowUp.objects.filter(pk=row.pk).update(received_at=now - timedelta(hours=hours))

    keeping.delete_personal()

    assert [personal.unseal(row.personal_data) for row in FollowUp.objects.order_by("pk")] == [
        "23 True", "25 False"
    ]  # fmt: skip


def test_the_parts_of_a_report_are_joined_in_their_order(garage: ChargePoint) -> None:
    report = ReportAssembly.objects.create(
        charge_point=garage,
        action="NotifyCustomerInformation",
        request_id=7,
        started_at=NOON,
        last_at=NOON + timedelta(minutes=1),
    )
    for seq_no, text, minutes in ((1, "Miller", 0), (0, "Alice ", 1), (0, "again", 1), (0, "later", 2)):
        row = stored(garage, text)
        FollowUp.objects.filter(pk=row.pk).update(
            request_id=7, seq_no=seq_no, received_at=NOON + timedelta(minutes=minutes)
        )

    assert customers.text_of(report) == "Alice Miller"
    FollowUp.objects.update(personal_data="")
    assert customers.text_of(report) is None
