"""The values of a template as lines of text: `key = value`."""

from __future__ import annotations

from collections.abc import Mapping

from ocpp_server.domain import Invalid


def written(values: Mapping[str, str]) -> str:
    """One line per value, in the order of the keys. `read` returns the same values if they `fit`."""
    return "\n".join(f"{key} = {value}" for key, value in sorted(values.items(), key=_by_key))


def _by_key(item: tuple[str, str]) -> str:
    return item[0].casefold()


def fit(values: Mapping[str, str]) -> bool:
    """Whether lines can express the values: a line break, a blank at an end or `=` in a key is lost."""
    try:
        return read(written(values)) == values
    except Invalid:
        return False


def read(text: str) -> dict[str, str]:
    """The values of the lines, blanks around keys and values trimmed. Raises Invalid for a line without `=`
    and for a key that is there twice.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key, sign, value = line.partition("=")
        if not (sign and key.strip()):
            raise Invalid(f"Line {number} must be key = value.", field="values")
        if key.strip() in values:
            raise Invalid(f"{key.strip()} is there twice.", field="values")
        values[key.strip()] = value.strip()
    return values
