"""Spellings and remarks of critical security events, in both dialects."""

from __future__ import annotations

import pytest

from ocpp_server.protocol.security_events import is_critical
from ocpp_server.protocol.versions import V16, V21, V201


@pytest.mark.parametrize("mark", list(":;,([\n"))
def test_a_remark_begins_with_a_mark(mark: str) -> None:
    assert is_critical(V16, f"MemoryExhaustion{mark}door")
    assert is_critical(V16, f"MemoryExhaustion{mark}a{mark}b")
    assert not is_critical(V16, f"door{mark}MemoryExhaustion")


@pytest.mark.parametrize("mark", [" ", "-", "_", "x", ".", "/"])
def test_other_characters_begin_no_remark(mark: str) -> None:
    assert not is_critical(V16, f"MemoryExhaustion{mark}door")


@pytest.mark.parametrize("type", ["invalid-tls_version", "InvalidTLSVersion: 1.0", "INVALID TLS VERSION"])
def test_types_of_2x_are_critical_in_2x_alone_in_every_spelling(type: str) -> None:
    assert [is_critical(version, type) for version in (V16, V201, V21)] == [False, True, True]


@pytest.mark.parametrize("type", ["Invalid:TLSVersion", "Memory,Exhaustion", "Reset(Or)Reboot"])
def test_a_mark_inside_of_a_type_makes_no_difference(type: str) -> None:
    assert is_critical(V201, type)
