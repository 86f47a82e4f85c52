"""A log of the frames a station sent and received, which tests can search and await."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from simulator.wire import Frame


class FrameLog:
    """The last ``log_size`` frames of a station in both directions. With 0 none are kept; :meth:`next_frame`
    still works.
    """

    def __init__(self, *, log_size: int) -> None:
        self.log: deque[Frame] = deque(maxlen=log_size)
        self._keeps_log = log_size > 0
        self._watchers: list[tuple[Callable[[Frame], bool], asyncio.Future[Frame]]] = []

    def _record(self, direction: str, text: str) -> None:
        if not self._keeps_log and not self._watchers:
            return
        frame = Frame(direction, text, time.monotonic())
        self.log.append(frame)
        for watcher in [one for one in self._watchers if one[0](frame)]:
            self._watchers.remove(watcher)
            if not watcher[1].done():
                watcher[1].set_result(frame)

    async def next_frame(
        self,
        action: str | None = None,
        *,
        direction: str | None = None,
        timeout_s: float = 5.0,
        where: Callable[[Any], bool] = lambda message: True,
    ) -> Any:
        """Wait for the next matching frame and return it parsed. ``where`` tests the parsed message. Raises
        TimeoutError.
        """
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()

        def fits(frame: Frame) -> bool:
            right_way = direction is None or frame.direction == direction
            return right_way and (action is None or frame.action == action) and where(frame.message)

        self._watchers.append((fits, future))
        async with asyncio.timeout(timeout_s):
            return (await future).message

    def sent(self, action: str | None = None) -> list[dict[str, Any]]:
        """Return the payloads of the CALLs the station sent that are still in the log."""
        return [
            frame.message[3]
            for frame in self.log
            if frame.direction == "out" and frame.action and (action is None or frame.action == action)
        ]
