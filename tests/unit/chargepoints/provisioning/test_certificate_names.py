"""The serial number of a boot against the name of the client certificate (B01.FR.11, B01.FR.12)."""

from __future__ import annotations

import pytest

from chargepoints.services.provisioning.certificate_names import fault_of


@pytest.mark.parametrize(
    ("name", "serial_number", "fits"),
    [
        ("", "SN-1", True),
        ("", "", True),
        ("SN-1", "SN-1", True),
        ("CP-1", "SN-1", True),
        ("cp-1", "SN-1", True),
        ("SN-1", "sn-1", False),
        ("SN-1", "SN-2", False),
        ("SN-1", "", False),
    ],
)
def test_a_boot_has_the_serial_number_of_its_certificate(
    name: str, serial_number: str, *, fits: bool
) -> None:
    fault = fault_of(name, identity="CP-1", serial_number=serial_number)

    assert (fault == "") is fits
    assert fits or (repr(name) in fault and repr(serial_number) in fault)
