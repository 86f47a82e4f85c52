"""Ending and settling sessions in the admin, on the page of a session and in the list."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chargepoints.models import ChargePoint
from tests.admin.hostile import HOSTILE
from tests.admin.rows import NOON, a_session, signed_in
from tests.admin.test_pages import is_harmless
from transactions.models import Settlement, Transaction

LIST = "/admin/transactions/transaction/"
WHY = {"reason": "Seen on site."}


def page_of(number: int) -> str:
    return reverse("admin:transactions_transaction_change", args=[number])


def settle(number: int, name: str) -> str:
    return reverse("admin:session-settle", args=[number, name])


def settle_many(name: str) -> str:
    return reverse("admin:sessions-settle", args=[name])


def text(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture
def stuck(station: ChargePoint) -> Transaction:
    """A session at a connector that reports Available."""
    return a_session(
        station, 1000, suspect=True, suspect_reasons=["connector-available"], meter_last_wh=6000.0
    )


def ended(station: ChargePoint, number: int, *reasons: str, **more: Any) -> Transaction:
    return a_session(
        station,
        number,
        status="ended",
        ended_by="station",
        stopped_at=NOON + timedelta(hours=1),
        meter_last_wh=6000.0,
        meter_stop_wh=6000.0,
        suspect=bool(reasons),
        suspect_reasons=list(reasons),
        **more,
    )


# -- one session ---------------------------------------------------------------------------------------------


def test_the_page_shows_the_reasons_and_the_proposed_fix(operator: Client, stuck: Transaction) -> None:
    page = text(operator.get(page_of(1000)))

    assert "The connector reports Available, but the station sent no stop" in page
    assert "Proposed fix: Close at the last reading." in page
    assert "Close it at the last reading, 6,000 Wh." in page
    for name in ("end", "proposed", "close"):
        assert settle(1000, name) in page
    assert settle(1000, "correct-energy") not in page


def test_a_reason_that_would_be_detected_again_has_no_ignore_button(
    operator: Client, station: ChargePoint
) -> None:
    a_session(station, 1000, suspect=True, suspect_reasons=["meter-reset"])
    a_session(station, 1001, suspect=True, suspect_reasons=["clock-implausible"])

    pages = [text(operator.get(page_of(number))) for number in (1000, 1001)]

    assert "Proposed fix: none yet." in pages[0]
    assert settle(1000, "ignore") not in pages[0] and settle(1000, "proposed") not in pages[0]
    assert settle(1001, "ignore") in pages[1]


def test_a_viewer_sees_the_session_without_buttons(viewer: Client, stuck: Transaction) -> None:
    page = text(viewer.get(page_of(1000)))

    assert "Proposed fix: Close at the last reading." in page
    assert "/settle/" not in page
    for name in ("end", "proposed", "ignore"):
        assert viewer.get(settle(1000, name)).status_code == 403
        assert viewer.post(settle(1000, name), WHY).status_code == 403
        assert viewer.post(settle_many(name), {**WHY, "session": "1000"}).status_code == 403
    assert 'name="action"' not in text(viewer.get(LIST))


def test_the_proposed_fix_is_shown_and_applied(operator: Client, stuck: Transaction) -> None:
    asked = text(operator.get(settle(1000, "proposed")))
    assert 'name="force"' not in text(operator.get(settle(1000, "end")))
    done = operator.post(settle(1000, "proposed"), WHY, follow=True)

    assert "Close it at the last reading, 6,000 Wh." in asked
    assert "Session 1000 closed with 5,000 Wh." in text(done)
    assert "This session is suspect" not in text(done)
    row, settlement = Transaction.objects.get(), Settlement.objects.get()
    assert (row.status, row.ended_by, row.stopped_at) == ("ended", "operator", row.last_message_at)
    assert (settlement.actor, settlement.reason, settlement.fix) == ("operator", "Seen on site.", "close")
    assert "Seen on site." in text(done)


def test_a_get_changes_nothing_and_a_reason_is_required(operator: Client, stuck: Transaction) -> None:
    for name in ("end", "proposed", "close", "ignore"):
        operator.get(settle(1000, name))
        again = operator.post(settle(1000, name), {"reason": " "})
        assert "This field is required." in text(again)

    assert Transaction.objects.get().status == "active"
    assert Settlement.objects.count() == 0


def test_the_forms_need_their_token(stuck: Transaction, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("op", is_staff=True, role="operator")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)

    assert strict.post(settle(1000, "end"), WHY).status_code == 403
    assert strict.post(settle_many("end"), {**WHY, "session": "1000"}).status_code == 403
    assert signed_in(user).get(settle_many("end")).status_code == 405


def test_the_session_of_a_charging_vehicle_ends_only_after_a_confirmation(
    operator: Client, station: ChargePoint
) -> None:
    a_session(station, 1000)
    ChargePoint.objects.update(is_online=True)
    Transaction.objects.update(last_message_at=timezone.now())

    asked = text(operator.get(settle(1000, "end")))
    refused = text(operator.post(settle(1000, "end"), WHY))
    assert Transaction.objects.get().status == "active"
    operator.post(settle(1000, "end"), {**WHY, "force": "on"})

    assert "The vehicle is probably charging." in asked
    assert 'name="force"' in asked
    assert "use remote-stop" in refused
    assert Transaction.objects.get().ended_by == "operator"


def test_an_ended_session_has_no_end_button(operator: Client, station: ChargePoint) -> None:
    ended(station, 1000)

    assert settle(1000, "end") not in text(operator.get(page_of(1000)))
    assert "has ended already" in text(operator.post(settle(1000, "end"), WHY))


def test_only_an_administrator_types_an_energy(
    operator: Client, administrator: Client, station: ChargePoint
) -> None:
    ended(station, 1000, "meter-reset")
    body = {**WHY, "energy_wh": "1234.5"}

    assert settle(1000, "correct-energy") not in text(operator.get(page_of(1000)))
    assert operator.post(settle(1000, "correct-energy"), body).status_code == 403
    assert settle(1000, "correct-energy") in text(administrator.get(page_of(1000)))
    done = administrator.post(settle(1000, "correct-energy"), body, follow=True)

    assert "Energy of session 1000 changed to 1,234.5 Wh (before: 5,000 Wh)." in text(done)
    assert Transaction.objects.get().energy_wh == 1234.5


def test_the_form_is_filled_with_the_proposal(administrator: Client, station: ChargePoint) -> None:
    ended(station, 1000, "superseded", evse_number=1)
    ended(
        station,
        1001,
        meter_start_wh=6000.0,
        energy_wh=0.0,
        started_at=NOON + timedelta(hours=1),
    )

    page = text(administrator.get(settle(1000, "merge")))
    done = administrator.post(settle(1000, "merge"), {**WHY, "other": "1001"}, follow=True)

    assert 'value="1001"' in page
    assert "Sessions 1000 and 1001 merged: session 1000 has the energy." in text(done)
    assert "This session was merged into" in text(administrator.get(page_of(1001)))


@pytest.mark.parametrize("body", [{"other": "x"}, {"other": "1000"}, {"other": "77"}, {}])
def test_an_impossible_merge_is_reported_in_the_form(
    administrator: Client, station: ChargePoint, body: dict[str, str]
) -> None:
    ended(station, 1000, "superseded")

    page = administrator.post(settle(1000, "merge"), {**WHY, **body})

    assert page.status_code == 200
    assert 'class="op-error"' in text(page)
    assert Settlement.objects.count() == 0


@pytest.mark.parametrize("name", ["end", "proposed", "close", "correct-energy", "merge", "ignore"])
def test_the_pages_are_harmless_with_hostile_words(
    superuser: Client, hostile_rows: dict[type, Any], name: str
) -> None:
    row = hostile_rows[Transaction]
    Transaction.objects.filter(pk=row.pk).update(suspect=True, suspect_reasons=[HOSTILE])
    action = {"end": "end_sessions", "ignore": "settle_as_ignored"}.get(name, "settle_as_proposed")

    pages = [superuser.get(settle(row.pk, name)), choose(superuser, action, row.pk)]

    for page in pages:
        assert page.status_code == 200
        assert is_harmless(page.content.decode())


@pytest.mark.parametrize("name", ["reopen", "delete"])
def test_there_is_no_other_decision(operator: Client, stuck: Transaction, name: str) -> None:
    assert operator.get(settle(1000, name)).status_code == 404
    assert operator.post(settle_many(name), {**WHY, "session": "1000"}).status_code == 404


# -- several sessions ----------------------------------------------------------------------------------------


def choose(client: Client, action: str, *numbers: int) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": numbers, "index": 0}, follow=True)


def test_the_list_shows_the_effect_on_each_session_before_it_happens(
    operator: Client, station: ChargePoint
) -> None:
    a_session(station, 1000, suspect=True, suspect_reasons=["connector-available"], meter_last_wh=6000.0)
    ended(station, 1001, "clock-implausible")
    ended(station, 1002)

    page = text(choose(operator, "settle_as_proposed", 1000, 1001, 1002))

    assert "Close at the last reading." in page
    assert "Ignore." in page
    assert "Nothing." in page and "It is not suspect." in page
    assert Transaction.objects.filter(suspect=True).count() == 2

    numbers = [str(number) for number in (1000, 1001, 1002)]
    done = text(operator.post(settle_many("proposed"), {**WHY, "session": numbers}, follow=True))

    assert "2 of 3 sessions are settled." in done
    assert "Session 1002 is not settled: Session 1002 is not suspect." in done
    assert Transaction.objects.filter(suspect=True).count() == 0
    assert Settlement.objects.count() == 2


def test_several_sessions_are_ended_but_none_of_a_charging_vehicle(
    operator: Client, station: ChargePoint
) -> None:
    for number in (1000, 1001):
        a_session(station, number)
    ChargePoint.objects.update(is_online=True)
    Transaction.objects.filter(pk=1001).update(last_message_at=timezone.now())

    page = text(choose(operator, "end_sessions", 1000, 1001))
    operator.post(settle_many("end"), {**WHY, "session": ["1000", "1001"]})

    assert "The vehicle is probably charging." in page
    assert list(Transaction.objects.active().values_list("pk", flat=True)) == [1001]


def test_a_page_without_a_reason_asks_again(operator: Client, stuck: Transaction) -> None:
    page = operator.post(settle_many("ignore"), {"reason": "", "session": "1000"})

    assert "This field is required." in text(page)
    assert 'name="session" value="1000"' in text(page)


def test_at_most_200_sessions_are_settled_at_a_time(
    operator: Client, station: ChargePoint, monkeypatch: Any
) -> None:
    monkeypatch.setattr("transactions.services.transactions.settling.MOST_AT_ONCE", 2)
    for number in range(1000, 1003):
        ended(station, number, "odd")

    page = text(choose(operator, "settle_as_ignored", 1000, 1001, 1002))

    assert "Select at most 2 sessions at a time." in page


@pytest.mark.parametrize("numbers", [[], ["x"], ["-1"], ["99999999999999999999"], ["²"]])
def test_invalid_numbers_settle_nothing(operator: Client, stuck: Transaction, numbers: list[str]) -> None:
    answer = operator.post(settle_many("end"), {**WHY, "session": numbers}, follow=True)

    assert "No session was selected." in text(answer)
    assert Transaction.objects.get().status == "active"


def test_the_dashboard_counts_down(operator: Client, stuck: Transaction) -> None:
    def counted() -> str:
        return operator.get("/admin/live/").json()["values"]["suspect"]["text"]  # type: ignore[no-any-return]

    before = counted()
    operator.post(settle(1000, "proposed"), WHY)

    assert (before, counted()) == ("1", "0")
    assert "?suspect__exact=1" in text(operator.get("/admin/"))


def test_settlements_have_a_list(operator: Client, stuck: Transaction) -> None:
    operator.post(settle(1000, "proposed"), WHY)

    page = text(operator.get("/admin/transactions/settlement/"))

    assert "Seen on site." in page
    assert "Close at the last reading" in page
    row = reverse("admin:transactions_settlement_change", args=[Settlement.objects.get().pk])
    assert operator.get(row).status_code == 200
    assert operator.post(row, {"reason": "Another"}).status_code == 403
