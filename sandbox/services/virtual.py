"""One virtual station while it runs: the simulator's station, its steps, and its state as callers see it."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Final

import structlog

from sandbox.models import Step, VirtualStation
from sandbox.services import steps
from simulator.connector import Connector
from simulator.failing import Failure
from simulator.session import Session
from simulator.steps import Impossible, StepStation, plug, power_lost, tap, unplug

log = structlog.get_logger(__name__)

# A station that ends waits so long for the answers to the last messages of its sessions.
GRACE_S: Final = 5.0


class Virtual:
    """A virtual station, from its start until it is stopped. `ended` holds the steps with their reasons."""

    def __init__(self, row: VirtualStation, password: str, url: str, tls: ssl.SSLContext | None) -> None:
        self.pk = row.pk
        self.station = StepStation(
            row.charge_point.identity,
            row.ocpp_version,
            url,
            password=password,
            connectors=row.connectors,
            seed=row.pk,
            speed=row.speed,
            power_w=row.power_w,
            vendor="Sandbox",
            model="Virtual station",
            # It connects when the server listens, and again after each outage.
            retry_connect=True,
            log_size=0,
            tls=tls,
        )
        # A caller with a test key may name any address in a command.
        self.station.is_isolated = True
        self.ended: list[tuple[Step, str]] = []
        self._last: dict[int, Session] = {}
        self._before: dict[int, dict[str, Any]] = {}
        self._restore(row.state)
        self._steps: asyncio.Queue[Step] = asyncio.Queue()
        self._starting = asyncio.create_task(self.station.start(timeout_s=None))
        self._working = asyncio.create_task(self._work())

    def take(self, step: Step) -> None:
        """Take a step after those before it."""
        self._steps.put_nowait(step)

    @property
    def failure(self) -> BaseException | None:
        """The error that has ended one of its tasks: it takes no steps any more."""
        tasks = (task for task in (self._starting, self._working) if task.done() and not task.cancelled())
        return next((error for task in tasks if (error := task.exception()) is not None), None)

    async def stop(self, *, grace_s: float = GRACE_S) -> None:
        """End its sessions, and close the connection."""
        self._working.cancel()
        await self.station.stop(grace_s=grace_s)
        await asyncio.gather(self._starting, self._working, return_exceptions=True)

    # -- steps ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            step = await self._steps.get()
            reason = ""
            try:
                async with asyncio.timeout(steps.LONGEST_S):
                    await self.station.ready.wait()
                    await self.station.outbox_drained()
                    await self._run(step)
            except (Impossible, LookupError) as error:
                reason = str(error)
            except TimeoutError:
                reason = f"{self.station.identity} did not end the step. {self.problem}".strip()
            except Exception:
                # The simulator has a bug: this step is refused, and those after it are taken.
                log.exception("sandbox.step_failed", station=self.station.identity, step=step.kind)
                reason = "The step failed."
            self.ended.append((step, reason))

    async def _run(self, step: Step) -> None:
        given = step.arguments
        match step.kind:
            case Step.Kind.FAIL_NEXT:
                self.station.failures.append(Failure(given["answer"], given["action"]))
            case Step.Kind.PLUG:
                await plug(self.station, given["connector"])
            case Step.Kind.UNPLUG:
                await unplug(self.station, given["connector"])
            case Step.Kind.TAP:
                self._last[given["connector"]] = await tap(self.station, given["connector"], given["token"])
            case _:
                raise Impossible(f"This version of the server has no step {step.kind}.")

    # -- its state -------------------------------------------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why it is not connected; empty while it is."""
        if self.station.online.is_set():
            return ""
        reason = self.station.not_accepted_reason or "the connection was lost"
        return f"{reason[:1].upper()}{reason[1:]}."[:300]

    def state(self) -> dict[str, Any]:
        """The state to store: connectors, and the commands that the station will fail."""
        return {
            "connectors": [self._connector(one) for one in self.station.connectors],
            "failures": [{"action": one.action, "answer": one.answer} for one in self.station.failures],
        }

    def _connector(self, place: Connector) -> dict[str, Any]:
        session = place.session or self._last.get(place.number)
        if session is not None:
            self._last[place.number] = session
            self._before[place.number] = {
                "token": session.token,
                "tokenStatus": session.status,
                "transactionId": session.transaction_id if session.started_at else None,
                "startWh": session.start_wh,
                "seqNo": session.seq_no,
                "energyWh": session.energy_wh,
                "isOver": session.over.is_set(),
            }
        return {
            "number": place.number,
            "status": place.status,
            "isPlugged": place.is_plugged,
            "meterWh": round(place.meter.register_wh),
            "session": self._before.get(place.number),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Begin with the cables, meters and failures of before. A power cut has ended the sessions."""
        known = {one["number"]: one for one in state.get("connectors", ())}
        for place in self.station.connectors:
            before = known.get(place.number)
            if before is None:
                continue
            place.is_plugged = before["isPlugged"]
            place.status = place.resting_status
            place.meter.register_wh = float(before["meterWh"])
            session = before["session"]
            if session is None:
                continue
            self._before[place.number] = {**session, "isOver": True}
            if session["transactionId"] and not session["isOver"]:
                self._last[place.number] = power_lost(
                    self.station,
                    place.number,
                    token=session["token"],
                    transaction_id=session["transactionId"],
                    start_wh=session["startWh"],
                    seq_no=session["seqNo"],
                )
        self.station.failures += [Failure(one["answer"], one["action"]) for one in state.get("failures", ())]
