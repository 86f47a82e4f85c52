"""Write the list of actions that are not served into README.md, from `NOT_YET`.

Run `python -m ocpp_server.not_yet`; a test compares README.md with the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ocpp_server.checks import NOT_YET, WHY_NOT_YET
from ocpp_server.protocol.versions import VERSIONS, label

README: Final = Path(__file__).resolve().parent.parent / "README.md"
BEGIN: Final = "<!-- begin: written by python -m ocpp_server.not_yet -->"
END: Final = "<!-- end -->"


def block() -> str:
    """The table in Markdown, with its markers."""
    lines = [BEGIN, "", "| message | OCPP | why |", "|---|---|---|"]
    for name in sorted(WHY_NOT_YET):
        versions = ", ".join(label(version) for version in VERSIONS if (version, name) in NOT_YET)
        lines.append(f"| {name} | {versions} | {WHY_NOT_YET[name]} |")
    return "\n".join([*lines, "", END])


def written(page: str) -> str:
    """The page with the current block. Raises ValueError for a page without the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} has no block between {BEGIN} and {END}")
    return before + block() + after


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
