"""A station's connection without a socket, on the real handlers, journal and live state."""

from __future__ import annotations

from tests.direct.fixtures import engine, make_wire, tokens

__all__ = ["engine", "make_wire", "tokens"]
