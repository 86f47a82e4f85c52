"""The judgement of answers of a webhook: pauses, failures, and when it is disabled. Without a clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from events.services.webhooks import schedule
from events.services.webhooks.schedule import Meaning

# Requests at once to one webhook. A receiver that needs 50 ms for each gets 320 events a second.
IN_FLIGHT: Final = 16
FAILING_AFTER: Final = timedelta(hours=1)
# Attempts without success before a webhook is disabled, beside the time.
LEAST_FAILURES: Final = 10


class EndpointHealth:
    """The failures of one webhook since its last success.

    `moment` names the last change for the worse: of requests that were under way together, only the first
    failure counts.
    """

    def __init__(
        self,
        *,
        failures: int = 0,
        failing_since: datetime | None = None,
        paused_until: datetime | None = None,
        disable_after: timedelta,
    ) -> None:
        self.failures = failures
        self.failing_since = failing_since
        self.paused_until = paused_until
        self.disabled_because = ""
        self.limit = 1 if failures else IN_FLIGHT
        self.moment = 0
        self._disable_after = disable_after
        self._refused: set[str] = set()
        self._successes = 0
        # Events that made trouble, and after how many successes: one that does so while others are delivered
        # is the cause itself.
        self._strikes: dict[str, tuple[int, int]] = {}

    def judge(
        self, event: str, meaning: Meaning, *, since: int, now: datetime, retry_after_s: float
    ) -> Meaning:
        """Note an answer. Returns REFUSED where the event is the cause, and TROUBLE where the webhook is.

        `since`: the `moment` at which the request began.
        """
        if meaning is Meaning.DELIVERED:
            self._succeeded(event)
            return meaning
        if meaning is Meaning.GONE:
            self.disabled_because = "The receiver answered 410 (Gone)."
            self.paused_until = now + timedelta(days=1)
            return Meaning.TROUBLE
        if meaning is Meaning.TROUBLE and self._has_too_many_strikes(event):
            meaning = Meaning.REFUSED
        if meaning is Meaning.REFUSED:
            self._refused.add(event)
            if len(self._refused) < schedule.MOST_REFUSALS:
                return meaning
        if since == self.moment:
            self._troubled(now, retry_after_s)
        return Meaning.TROUBLE

    def is_failing(self, now: datetime) -> bool:
        return self.failing_since is not None and now - self.failing_since >= FAILING_AFTER

    def _succeeded(self, event: str) -> None:
        self._successes += 1
        self._strikes.pop(event, None)
        self._refused.clear()
        self.failures, self.failing_since, self.paused_until = 0, None, None
        # Slowly at first: a receiver that has just come back is not flooded.
        self.limit = min(IN_FLIGHT, self.limit * 2)

    def _troubled(self, now: datetime, retry_after_s: float) -> None:
        self.moment += 1
        self.failures += 1
        self.failing_since = self.failing_since or now
        self.limit = 1
        self.paused_until = now + timedelta(seconds=schedule.pause_s(self.failures, retry_after_s))
        if now - self.failing_since >= self._disable_after and self.failures >= LEAST_FAILURES:
            self.disabled_because = f"No delivery succeeded since {self.failing_since:%Y-%m-%d %H:%M} UTC."

    def _has_too_many_strikes(self, event: str) -> bool:
        count, successes = self._strikes.get(event, (0, -1))
        if successes != self._successes:
            count += 1
        self._strikes[event] = count, self._successes
        return count > schedule.MOST_REFUSALS
