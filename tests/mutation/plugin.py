"""The pytest plugin of the mutation runs: `-p tests.mutation.plugin` with one of its two options."""

from __future__ import annotations

import pytest

# Their tests start a Redis, which takes milliseconds; all other tests that start a process are left out,
# because code that runs in another process can't be exchanged.
WITH_REDIS = ("tests/unit/transport/queue/", "tests/unit/transport/gateway/", "tests/unit/live/redis/")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation")
    group.addoption("--mutation-record", action="store_true", help="record which test runs which line")
    group.addoption("--mutation-run", metavar="FILE", help="run the mutants of this plan")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # Imported late: before this the settings of Django are not known.
    if config.getoption("--mutation-record"):
        from tests.mutation.recording import Recorder

        config.pluginmanager.register(Recorder())
    if plan := config.getoption("--mutation-run"):
        from tests.mutation.running import Runner

        config.pluginmanager.register(Runner(plan))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left_out = [], []
    for item in items:
        starts = item.get_closest_marker("process") and not item.nodeid.startswith(WITH_REDIS)
        (left_out if starts else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept
