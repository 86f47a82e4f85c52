"""Reads docs/api.md: its requests, the answers that it shows, and the command that starts a station."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.servers import ROOT

PAGE = ROOT / "docs" / "api.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# In an answer: any value.
ANY = "..."


@dataclass
class Step:
    """One request of the page with its answer, or a command that starts a program."""

    line: str
    method: str = "GET"
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 0
    answer: Any = None
    program: list[str] = field(default_factory=list)


def steps(text: str) -> Iterator[Step]:
    """The steps of the page in their order. A request without a shown answer has none to compare."""
    blocks = _BLOCK.findall(text)
    for index, (kind, content) in enumerate(blocks):
        if kind != "sh":
            continue
        for line in content.splitlines():
            if line.startswith("api "):
                step = _request(line)
                if index + 1 < len(blocks) and blocks[index + 1][0] == "json":
                    step.answer = json.loads(blocks[index + 1][1])
                yield step
            elif line.startswith("python -m simulator "):
                yield Step(line, program=shlex.split(line)[1:])


def _request(line: str) -> Step:
    words = shlex.split(line, comments=True)[1:]
    status = re.search(r"# (\d{3})$", line)
    assert status, f"{line}: name the status, such as # 200"
    step = Step(line, path=words.pop(0), status=int(status[1]))
    while words:
        option, value = words.pop(0), words.pop(0)
        match option:
            case "-X":
                step.method = value
            case "-H":
                name, _, text = value.partition(": ")
                step.headers[name] = text
            case "--json":
                step.body = json.loads(value)
                step.method = "POST" if step.method == "GET" else step.method
            case _:
                raise AssertionError(f"{line}: the option {option} is unknown here")
    return step


def differences(shown: Any, answer: Any, where: str = "") -> Iterator[str]:
    """The parts of the shown answer that the real one does not have."""
    if shown == ANY:
        if answer in (None, ""):
            yield f"{where}: is empty"
    elif isinstance(shown, dict) and isinstance(answer, dict):
        for name, value in shown.items():
            if name not in answer:
                yield f"{where}.{name}: is missing"
            else:
                yield from differences(value, answer[name], f"{where}.{name}")
    elif isinstance(shown, list) and isinstance(answer, list):
        if len(answer) < len(shown):
            yield f"{where}: has {len(answer)} items"
        for index, (value, real) in enumerate(zip(shown, answer, strict=False)):
            yield from differences(value, real, f"{where}[{index}]")
    elif shown != answer:
        yield f"{where}: {shown!r} is shown, {answer!r} was received"
