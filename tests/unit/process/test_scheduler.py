"""Jobs that apps register by name, each a list of steps."""

from __future__ import annotations

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured

from ocpp_server.process import scheduler
from ocpp_server.process.scheduler import Job

# The names that dashboards and alerts use.
NAMES = {
    "log_files",
    "mirror",
    "probe",
    "drive_campaigns",
    "change_profiles",
    "read_configurations",
    "number_events",
    "evaluate_alerts",
    "alert_heartbeat",
    "publish_mqtt",
    "run_sandbox",
    "watch_presence",
    "forget_presence",
    "send_webhooks",
    "stop_webhooks",
    "expire",
    "list_certificates",
    "send_certificates",
    "fetch_revocation_lists",
    "push_dynamic_profiles",
    "send_profiles_again",
    "ask_for_missing_events",
    "carry_over_samples",
    "sum_months",
    "count_hours",
    "doubt",
    "sweep",
    "sync_local_lists",
    "renew_certificates",
    "send_costs",
    "send_notices",
    "repeat_notices",
    "end_forsaken",
    "trim",
    "bury",
    "reconcile",
}


async def nothing() -> None:
    """A step without effect."""


async def failing() -> None:
    raise ValueError("the first step")


def test_the_apps_register_every_job_by_its_name() -> None:
    assert set(scheduler._jobs) == NAMES
    assert all(job.steps for job in scheduler._jobs.values())


def test_a_second_job_of_the_same_name_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="Two apps register the job 'mirror'"):
        scheduler.register([(Job("mirror", every=1.0), nothing)])


async def test_a_step_that_fails_does_not_keep_the_next_one_from_running() -> None:
    done: list[str] = []

    async def second() -> None:
        done.append("second")

    job = Job("test", every=1.0)
    job.steps += [failing, second]

    with pytest.raises(ValueError, match="the first step"):
        await job.run()

    assert done == ["second"]


async def test_a_job_that_is_woken_as_the_server_stops_ends() -> None:
    job = Job("test", every=60.0)
    job.woken = asyncio.Event()
    waiting = asyncio.ensure_future(job.wait())
    await asyncio.sleep(0)

    job.wake()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
