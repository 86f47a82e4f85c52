"""A program that reads all events over several web processes and keeps them in a file.

`python -m tests.distributed.event_consumer FILE API_KEY PORT...`. It may be killed at any moment: it
stores a page first and its position afterwards, and continues from its file.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LIMIT = 200
PAUSE_S = 0.1
# What it does with a page, so that some kills come between a page and its position.
WORK_S = 0.05


class Received(NamedTuple):
    """What a consumer's file holds: the lines of events in their order, and the position after them.

    `starts` has the number of events that were in the file at each start.
    """

    events: list[dict[str, Any]]
    position: int
    starts: list[int]

    @classmethod
    def read(cls, path: Path) -> Received:
        events: list[dict[str, Any]] = []
        starts: list[int] = []
        position = 0
        text = path.read_bytes() if path.exists() else b""
        # What follows the last line is being written now.
        for line in text.split(b"\n")[:-1]:
            kept = json.loads(line)
            if "start" in kept:
                starts.append(len(events))
            elif "next" in kept:
                position = kept["next"]
            else:
                events.append(kept)
        return cls(events, position, starts)


def main(file: str, key: str, *ports: str) -> None:
    path = Path(file)
    _cut_torn_line(path)
    position = Received.read(path).position
    with path.open("ab") as kept:
        _store(kept, [{"start": position}])
        for page in _pages(position, key, itertools.cycle(ports)):
            if page["gap"]:
                raise SystemExit(f"events before {page['next']} were deleted")
            seen = time.time()
            _store(kept, [{**event, "seen": seen} for event in page["events"]])
            time.sleep(WORK_S)
            _store(kept, [{"next": int(page["next"])}])


def _pages(position: int, key: str, ports: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Each page with events, for ever; each request goes to the next web process."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", int(next(ports)), timeout=10)
        try:
            path = f"/api/v1/events?after={position}&limit={LIMIT}"
            connection.request("GET", path, headers={"Authorization": f"Api-Key {key}"})
            answer = connection.getresponse()
            page = json.loads(answer.read())["data"] if answer.status == http.HTTPStatus.OK else {}
        except (OSError, http.client.HTTPException):
            page = {}  # the process was killed: another one answers
        finally:
            connection.close()
        if page.get("events") or page.get("gap"):
            yield page
            position = int(page["next"])
        if not page.get("more"):
            time.sleep(PAUSE_S)


def _store(kept: Any, lines: list[dict[str, Any]]) -> None:
    kept.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    kept.flush()
    os.fsync(kept.fileno())


def _cut_torn_line(path: Path) -> None:
    """Remove the end of a line that was being written when the program was killed."""
    if path.exists():
        text = path.read_bytes()
        os.truncate(path, text.rfind(b"\n") + 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
