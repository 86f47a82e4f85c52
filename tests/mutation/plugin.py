"""The pytest plugin of the mutation runs: `-p tests.mutation.plugin` with one of its two options."""

from __future__ import annotations

import pytest


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
