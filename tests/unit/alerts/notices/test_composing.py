"""The words of mails about alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.models import Notification, Severity
from alerts.services.notices.composing import Item, Words, compose

Kind = Notification.Kind
SINCE = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def item(title: str = "CP-7 has been offline for 5 minutes", **facts: Any) -> Item:
    usual = {"kind": Kind.OPENED, "severity": Severity.WARNING, "opened_at": SINCE}
    return Item(title=title, **{**usual, **facts})


def mail(*items: Item, is_digest: bool = False, link: str = "") -> Words:
    return compose(items, ZoneInfo("Europe/Vienna"), is_digest=is_digest, settings_link=link)


def test_one_alert_has_its_facts_and_what_to_do_in_the_recipients_zone() -> None:
    words = mail(
        item(
            site="Depot",
            detail="Last message: StatusNotification.\nIt has an active session.",
            what_to_do="Check its network.",
            note="The key is at the gate.",
            link="https://csms/alert/1",
            acknowledge="https://csms/ack/x",
        ),
        link="https://csms/me",
    )

    assert words.subject == "Warning: CP-7 has been offline for 5 minutes"
    assert words.text == (
        "Warning: CP-7 has been offline for 5 minutes\n"
        "Site: Depot\n"
        "Since: 2026-11-30 13:00 CET\n"
        "Last message: StatusNotification.\n"
        "It has an active session.\n"
        "To do: Check its network.\n"
        "To do: The key is at the gate.\n"
        "Open: https://csms/alert/1\n"
        "Acknowledge: https://csms/ack/x\n"
        "\n"
        "-- \n"
        "Your notices and quiet hours: https://csms/me\n"
    )
    assert '<a href="https://csms/alert/1">CP-7 has been offline for 5 minutes</a>' in words.html


def test_several_alerts_of_one_site_are_one_mail_with_the_most_severe_first() -> None:
    words = mail(
        item("CP-1 is offline", site="Depot"),
        item("CP-2 is offline", site="Depot", severity=Severity.CRITICAL),
        item("CP-3 is offline", site="Depot"),
    )

    assert words.subject == "Critical: CP-2 is offline and 2 more at Depot"
    assert [line for line in words.text.splitlines() if "is offline" in line] == [
        "Critical: CP-2 is offline",
        "Warning: CP-1 is offline",
        "Warning: CP-3 is offline",
    ]


def test_the_end_of_an_alert_says_how_long_it_lasted() -> None:
    words = mail(item(kind=Kind.RESOLVED, resolved_at=SINCE + timedelta(minutes=42), what_to_do="Check."))

    assert words.subject == "Resolved: CP-7 has been offline for 5 minutes"
    assert "Until: 2026-11-30 13:42 CET (42 min)" in words.text
    assert "Check." not in words.text


def test_a_digest_shows_what_is_open_and_what_came_and_went() -> None:
    over = item("CP-2 is offline", resolved_at=SINCE + timedelta(hours=3, minutes=5))
    words = mail(over, item("CP-1 is offline", acknowledged_by="ann"), is_digest=True)

    assert words.subject == "Alerts: 1 open, 1 over"
    lines = words.text.splitlines()
    assert lines.index("OPENED") < lines.index("Warning: CP-1 is offline") < lines.index("CAME AND WENT")
    assert "Acknowledged by ann" in lines
    assert "Until: 2026-11-30 16:05 CET (3 h 5 min)" in lines


def test_texts_of_stations_are_escaped_and_long_mails_bounded() -> None:
    hostile = "<script>alert(1)</script>"
    words = mail(*[item(f"CP-{number} {hostile}", detail=hostile) for number in range(60)])

    assert "<script>" not in words.html
    assert "... and 10 more." in words.text
    assert words.text.count("Since: ") == 50
    assert len(mail(item("x" * 500)).subject) < 140


def test_repetitions_and_escalations_can_be_told_from_the_first_mail() -> None:
    assert mail(item(kind=Kind.REPEATED)).subject.startswith("Warning, still open: ")
    assert mail(item(kind=Kind.ESCALATED)).subject.startswith("Warning, escalated: ")
