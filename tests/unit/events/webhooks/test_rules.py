"""The rules of webhooks without a server: signatures, bodies, filters, retries, the health of an endpoint."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.models import Event, WebhookEndpoint
from events.services.envelopes import Content
from events.services.webhooks import bodies, schedule, signing
from events.services.webhooks.bodies import selection_of
from events.services.webhooks.endpoint_health import IN_FLIGHT, EndpointHealth
from events.services.webhooks.schedule import Meaning
from tests.servers import ROOT

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


# -- signatures ----------------------------------------------------------------------------------------------

# Published with the libraries of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_signature_is_that_of_the_published_example() -> None:
    found = signing.signature(
        [signing.key_of(SECRET)],
        id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert found == SIGNATURE


def test_a_new_secret_has_32_random_bytes() -> None:
    made = {signing.new_secret() for _ in range(5)}

    assert len(made) == 5
    assert {len(signing.key_of(each)) for each in made} == {32}


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_YQ==", "whsec_###", SECRET.removeprefix("whsec_")])
def test_a_text_that_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signing.key_of(text)


def test_the_snippet_of_the_documentation_verifies_a_signature_and_refuses_others() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)  # noqa: S102 - the snippet of our own page
    body, now = b'{"type":"webhook.test"}', int(time.time())
    keys = [signing.key_of(signing.new_secret()), signing.key_of(SECRET)]
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": signing.signature(keys, id="evt_1", timestamp=now, body=body),
    }

    assert space["is_genuine"](SECRET, headers, body)
    assert not space["is_genuine"](SECRET, headers, body + b" ")
    assert not space["is_genuine"](signing.new_secret(), headers, body)
    assert not space["is_genuine"](SECRET, headers | {"Webhook-Timestamp": str(now - 600)}, body)


# -- bodies and filters --------------------------------------------------------------------------------------


def content(**changed: Any) -> Content:
    values: dict[str, Any] = {
        "id": "evt_1",
        "type": "transaction.started",
        "version": 1,
        "position": 7,
        "sequence": 3,
        "station": "CP 7/a",
        "site_id": 2,
        "at": NOW,
        "data": {"transactionId": 4712},
    }
    return Content(**{**values, **changed})


def test_a_body_is_the_event_as_the_list_of_events_shows_it() -> None:
    assert json.loads(bodies.body(content(), "standard", {2: "Depot"})) == {
        "id": "evt_1",
        "type": "transaction.started",
        "timestamp": "2026-11-30T12:00:00.000Z",
        "version": 1,
        "position": 7,
        "sequence": 3,
        "station": "CP 7/a",
        "site": {"id": 2, "name": "Depot"},
        "data": {"transactionId": 4712},
    }
    alone = json.loads(bodies.body(content(station="", sequence=None, site_id=None), "standard", {}))
    assert (alone["station"], alone["sequence"], alone["site"]) == (None, None, None)


def test_a_cloud_event_has_the_required_attributes(settings: Any) -> None:
    settings.PUBLIC_URL = "https://csms.example.com"

    assert json.loads(bodies.body(content(), "cloudevents", {})) == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "https://csms.example.com/api/v1/chargepoints/CP%207%2Fa",
        "type": "csms.transaction.started.v1",
        "subject": "transactions/4712",
        "time": "2026-11-30T12:00:00.000Z",
        "datacontenttype": "application/json",
        "sequence": 3,
        "data": {"transactionId": 4712},
    }
    alone = json.loads(bodies.body(content(station="", sequence=None, data={}), "cloudevents", {}))
    assert alone["source"] == "https://csms.example.com/api/v1"
    assert not {"sequence", "subject"} & alone.keys()
    assert bodies.content_type("cloudevents") == "application/cloudevents+json"


@pytest.mark.parametrize(
    ("chosen", "is_taken"),
    [
        ({}, True),
        ({"types": ["transaction.*"]}, True),
        ({"types": ["gone.*", "transaction.started"]}, True),
        ({"types": ["token.*"]}, False),
        ({"station": "cp-7"}, True),
        ({"station": "CP-8"}, False),
        ({"site_id": 2}, True),
        ({"site_id": 3}, False),
    ],
)
def test_a_filter_takes_events_by_type_station_and_site(chosen: dict[str, Any], is_taken: bool) -> None:
    event = Event(type="transaction.started", station="CP-7", site_id=2)

    assert selection_of(WebhookEndpoint(**chosen)).matches(event) is is_taken


def test_starred_types_are_sent_only_when_they_are_chosen() -> None:
    event = Event(type="meter.sampled", station="CP-7")

    assert not selection_of(WebhookEndpoint()).matches(event)
    assert selection_of(WebhookEndpoint(types=["meter.*"])).matches(event)


# -- retries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Meaning.DELIVERED),
        (299, Meaning.DELIVERED),
        (300, Meaning.TROUBLE),
        (302, Meaning.TROUBLE),
        (400, Meaning.REFUSED),
        (401, Meaning.REFUSED),
        (404, Meaning.REFUSED),
        (408, Meaning.TROUBLE),
        (410, Meaning.GONE),
        (422, Meaning.REFUSED),
        (429, Meaning.TROUBLE),
        (500, Meaning.TROUBLE),
        (503, Meaning.TROUBLE),
    ],
)
def test_a_status_has_its_meaning(status: int, meaning: Meaning) -> None:
    assert schedule.meaning(status) is meaning


def test_pauses_grow_up_to_half_an_hour_with_a_fifth_of_jitter() -> None:
    for failures, seconds in ((1, 1), (2, 2), (6, 60), (9, 1800), (500, 1800)):
        found = [schedule.pause_s(failures) for _ in range(200)]
        assert seconds * 0.8 <= min(found) < seconds * 0.9
        assert seconds * 1.1 < max(found) <= seconds * 1.2


def test_a_receiver_may_ask_for_a_longer_pause_of_an_hour_at_most() -> None:
    assert schedule.pause_s(1, 120) == 120
    assert schedule.pause_s(1, 86400) == 3600
    assert schedule.pause_s(9, 1) > 1000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("99999999999999", 3600),
        ("Mon, 30 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
    ],
)
def test_retry_after_has_seconds_or_a_date(text: str, seconds: float) -> None:
    assert schedule.retry_after_s(text, now=NOW) == seconds


def test_an_event_has_five_attempts() -> None:
    pauses = [schedule.event_pause_s(made) for made in range(1, 6)]

    assert pauses[4] is None
    assert [each is not None and each >= 4 for each in pauses[:4]] == [True] * 4


# -- the health of an endpoint -------------------------------------------------------------------------------


def health(**changed: Any) -> EndpointHealth:
    return EndpointHealth(**{"disable_after": timedelta(days=5), **changed})


def judge(state: EndpointHealth, event: str, meaning: Meaning, *, now: datetime = NOW) -> Meaning:
    return state.judge(event, meaning, since=state.moment, now=now, retry_after_s=0)


def test_failures_that_were_under_way_together_count_once() -> None:
    state = health()

    for event in ("a", "b", "c"):
        assert state.judge(event, Meaning.TROUBLE, since=0, now=NOW, retry_after_s=0) is Meaning.TROUBLE

    assert (state.failures, state.limit, state.failing_since) == (1, 1, NOW)
    assert state.paused_until is not None
    assert NOW < state.paused_until < NOW + timedelta(seconds=2)


def test_after_a_success_the_requests_at_once_grow_again() -> None:
    state = health(failures=3, failing_since=NOW)
    limits = []

    for number in range(6):
        judge(state, str(number), Meaning.DELIVERED)
        limits.append(state.limit)

    assert limits == [2, 4, 8, 16, 16, 16]
    assert (state.failures, state.failing_since, IN_FLIGHT) == (0, None, 16)


def test_refusals_of_five_events_without_a_success_are_trouble_of_the_endpoint() -> None:
    state = health()
    found = [judge(state, str(number), Meaning.REFUSED) for number in range(6)]

    assert found == [Meaning.REFUSED] * 4 + [Meaning.TROUBLE] * 2
    judge(state, "x", Meaning.DELIVERED)
    assert judge(state, "7", Meaning.REFUSED) is Meaning.REFUSED


def test_one_event_that_is_refused_again_and_again_is_no_trouble() -> None:
    state = health()

    assert {judge(state, "a", Meaning.REFUSED) for _ in range(20)} == {Meaning.REFUSED}
    assert state.failures == 0


def test_an_event_that_makes_trouble_while_others_are_delivered_is_refused() -> None:
    state = health()
    found = []
    for number in range(7):
        found.append(judge(state, "poison", Meaning.TROUBLE))
        judge(state, str(number), Meaning.DELIVERED)

    assert found == [Meaning.TROUBLE] * 5 + [Meaning.REFUSED] * 2


def test_trouble_alone_never_makes_an_event_the_cause() -> None:
    state = health()

    assert {judge(state, "a", Meaning.TROUBLE) for _ in range(50)} == {Meaning.TROUBLE}


def test_an_endpoint_is_disabled_after_days_and_ten_attempts() -> None:
    state = health()
    for number in range(9):
        judge(state, "a", Meaning.TROUBLE, now=NOW + timedelta(hours=number))
    assert state.is_failing(NOW + timedelta(hours=1))
    assert not state.is_failing(NOW + timedelta(minutes=59))

    assert state.disabled_because == ""
    judge(state, "a", Meaning.TROUBLE, now=NOW + timedelta(days=5))
    assert state.disabled_because == "No delivery succeeded since 2026-11-30 12:00 UTC."


def test_few_failures_do_not_disable_an_endpoint_however_long_they_last() -> None:
    state = health()
    for number in range(9):
        judge(state, "a", Meaning.TROUBLE, now=NOW + timedelta(days=number))

    assert state.disabled_because == ""
