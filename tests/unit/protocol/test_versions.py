import pytest

from ocpp_server.protocol.versions import (
    V16,
    V21,
    V201,
    VERSIONS,
    Version,
    in_dialect,
    label,
    negotiate,
    of_boot,
)


def test_R01_the_first_supported_version_of_the_client_wins():
    assert negotiate(["ocpp2.1", "ocpp2.0.1", "ocpp1.6"]) == V21
    assert negotiate(["ocpp1.6", "ocpp2.1"]) == V16
    assert negotiate(["ocpp2.0", "soap", "ocpp2.0.1"]) == V201


def test_R02_unsupported_versions_negotiate_nothing():
    assert negotiate([]) is None
    assert negotiate(["ocpp1.5", "ocpp1.6j", "OCPP1.6", ""]) is None


def test_versions_have_their_common_name():
    assert [label(version) for version in (V16, V201, V21)] == ["1.6", "2.0.1", "2.1"]
    assert [version.label for version in VERSIONS] == ["1.6", "2.0.1", "2.1"]


def test_another_version_has_no_label():
    with pytest.raises(ValueError, match="ocpp1.5"):
        label("ocpp1.5")


def test_1_6_is_one_dialect_and_2_x_the_other():
    assert [in_dialect(version, "one", "two") for version in VERSIONS] == ["one", "two", "two"]


def test_a_version_is_the_text_on_the_wire():
    assert V16 == "ocpp1.6" and {V16: 1}["ocpp1.6"] == 1 and "ocpp2.1" in VERSIONS
    assert Version("ocpp2.0.1") is V201 and f"{V21}" == "ocpp2.1"


def test_a_boot_shows_its_version_by_the_fields_that_only_2_x_has():
    two = '[2,"1","BootNotification",{"chargingStation":{"model":"M","vendorName":"V"},"reason":"PowerUp"}]'
    one = '[2,"1","BootNotification",{"chargePointModel":"M","chargePointVendor":"V"}]'

    assert [of_boot(one, known) for known in VERSIONS] == [V16, V16, V16]
    assert [of_boot(two, known) for known in VERSIONS] == [V201, V201, V21]
