"""Prometheus metrics of the engine of this process."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ocpp_server import live
from ocpp_server.observability import measures
from ocpp_server.observability.families import OWN, counter, counters, gauge, gauges, histogram, own
from ocpp_server.process import engine
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.transport.switchboard import switchboard


class EngineCollector(Collector):
    """Messages, commands, sockets, journal and housekeeping of this process."""

    def collect(self) -> Iterator[Metric]:
        yield self._process()
        yield self._sockets()
        yield from self._messages()
        yield from self._commands()
        yield from self._handshakes()
        yield from self._journal()
        yield from self._housekeeping()
        yield from self._requests()

    def _process(self) -> Metric:
        info = GaugeMetricFamily("ocpp_process_info", "1 for a process that runs.", labels=[*OWN, "python"])
        info.add_metric([*own(), platform.python_version()], 1)
        return info

    def _sockets(self) -> Metric:
        held = dict.fromkeys(map(str, VERSIONS), 0.0)
        for connection in list(switchboard.connections.values()):
            held[connection.station.version] += 1
        return gauges("ocpp_sockets", "Station sockets this process holds, by OCPP version.", "version", held)

    def _messages(self) -> Iterator[Metric]:
        handled = dict(measures.handled_by_action)
        family = CounterMetricFamily(
            "ocpp_messages",
            "Messages by direction (in: from stations, out: commands), action and result: ok, an OCPP error, "
            "repeated; a command's final state.",
            labels=[*OWN, "direction", "action", "result"],
        )
        for action, record in handled.items():
            family.add_metric([*own(), "in", action, "ok"], record.answered)
            # Start InternalError at 0: otherwise Prometheus sees no increase with the first error, and the
            # alert fires only for the second.
            for code, count in {"InternalError": 0, **record.errors}.items():
                family.add_metric([*own(), "in", action, code], count)
        for (action,), count in measures.repeated.counts().items():
            family.add_metric([*own(), "in", action, "repeated"], count)
        for (action, state), count in measures.commands.counts().items():
            family.add_metric([*own(), "out", action, state], count)
        yield family
        yield histogram(
            "ocpp_message_seconds",
            "From reading a station's message to its answer having left, the commit included.",
            {(action,): record.seconds for action, record in handled.items()},
            "action",
        )
        yield counters(
            "ocpp_messages_unanswered",
            "Messages that could not be stored: the socket was closed instead of an answer.",
            measures.unanswered,
        )
        yield counters("ocpp_deviations", "Deviations from the specification, by kind.", measures.deviations)

    def _commands(self) -> Iterator[Metric]:
        yield counters("ocpp_commands", "Commands that ended, by action and state.", measures.commands)
        yield histogram(
            "ocpp_command_seconds",
            "From sending a command to the station's answer.",
            {(action,): spread for action, spread in dict(measures.round_trips).items()},
            "action",
        )

    def _handshakes(self) -> Iterator[Metric]:
        yield counters(
            "ocpp_handshakes",
            "Handshakes of stations: accepted, no-subprotocol, or the HTTP status of the refusal.",
            measures.handshakes,
        )
        yield counters(
            "ocpp_authentication_failures",
            "Failed logins of stations, API keys and operators, by kind.",
            measures.authentication_failures,
        )
        yield counters("ocpp_socket_closes", "Sockets that ended, by WebSocket code.", measures.closes)
        yield counters(
            "ocpp_connections_replaced",
            "Connections that a newer one of the same identity replaced; duplicate-identity when it goes on.",
            measures.replacements,
        )

    def _journal(self) -> Iterator[Metric]:
        stats = measures.journal
        yield histogram("ocpp_journal_batch_jobs", "Messages and jobs of one commit.", {(): stats.jobs})
        yield histogram("ocpp_journal_commit_seconds", "How long writing a batch took.", {(): stats.commit_s})
        yield histogram(
            "ocpp_journal_wait_seconds",
            "From a batch's oldest job being handed in to its commit.",
            {(): stats.wait_s},
        )
        yield counter("ocpp_journal_committed", "Messages and jobs that were stored.", journal.committed)
        yield counter("ocpp_journal_retries", "Batches the database did not take.", stats.retries)
        yield counter(
            "ocpp_journal_refused_batches",
            "Batches written one by one, because a row was refused.",
            stats.refused_batches,
        )
        yield counter("ocpp_journal_given_up", "Jobs that waited longer than the budget.", stats.given_up)
        yield gauge("ocpp_journal_depth", "Jobs that wait for the batch in hand.", journal.depth)
        down = journal.down_since
        seconds = 0.0 if down is None else time.monotonic() - down
        yield gauge(
            "ocpp_journal_down_seconds", "How long nothing could be written; 0 when all is well.", seconds
        )

    def _housekeeping(self) -> Iterator[Metric]:
        runs = dict(measures.last_runs)
        yield counters("ocpp_events", "Events that were numbered, by type.", measures.events)
        yield counters(
            "ocpp_housekeeping_jobs",
            "Jobs of the housekeeping that ran, by result.",
            measures.housekeeping_jobs,
        )
        yield gauges(
            "ocpp_housekeeping_last_run_timestamp_seconds",
            "When a job was last done, Unix time.",
            "task",
            {job: run.at for job, run in runs.items()},
        )
        yield gauges(
            "ocpp_housekeeping_job_seconds",
            "How long a job took the last time.",
            "task",
            {job: run.seconds for job, run in runs.items()},
        )
        elected = engine.is_running() and live.state().is_housekeeper
        yield gauge("ocpp_housekeeper", "1 where the housekeeping is done.", float(elected))
        yield histogram(
            "ocpp_event_loop_lag_seconds",
            "How much later than asked the event loop woke up: how busy the process is.",
            {(): measures.loop_lag_s},
        )

    def _requests(self) -> Iterator[Metric]:
        yield counters("ocpp_http_requests", "Answered HTTP requests.", measures.http_requests)
        yield histogram("ocpp_http_request_seconds", "How long they took.", {(): measures.http_seconds})
