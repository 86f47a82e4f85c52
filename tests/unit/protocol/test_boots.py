import pytest

from ocpp_server.protocol import boots
from ocpp_server.protocol.errors import DESCRIPTION_MAX, OccurrenceConstraintViolation
from ocpp_server.protocol.versions import V16, V201, VERSIONS

IN_16 = {"chargePointVendor": "V", "chargePointModel": "M"}
IN_2X = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
ERROR = OccurrenceConstraintViolation("chargePointVendor: is required but missing")


def explained(version, payload, action="BootNotification"):
    found = boots.explained(version, action, payload, ERROR)
    return found and found.description


@pytest.mark.parametrize("version", VERSIONS)
def test_the_boot_of_the_other_dialect_is_named_in_a_sentence_that_fits_a_frame(version):
    sentence = explained(version, IN_2X if version == V16 else IN_16)

    assert f"the connection is {version}" in sentence
    assert len(sentence) <= DESCRIPTION_MAX
    assert explained(version, IN_2X | IN_16) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_other_messages_and_other_faults_keep_their_error(version):
    own = IN_16 if version == V16 else IN_2X

    assert explained(version, own) is None
    assert explained(version, {}) is None
    assert explained(version, IN_2X if version == V16 else IN_16, action="Heartbeat") is None


def test_the_sentence_names_both_versions_and_the_remedy():
    assert explained(V16, IN_2X) == (
        "This is a BootNotification of OCPP 2.x, the connection is ocpp1.6: set the station to OCPP 1.6, or "
        "let it offer only the subprotocol ocpp2.0.1 or ocpp2.1."
    )
    assert explained(V201, {"chargePointModel": "M"}) == (
        "This is a BootNotification of OCPP 1.6, the connection is ocpp2.0.1: set the station to OCPP 2.0.1, "
        "or let it offer only the subprotocol ocpp1.6."
    )
    assert explained(V201, {"chargePointVendor": "V"}) == explained(V201, IN_16)


def test_the_error_keeps_its_code():
    assert type(boots.explained(V16, "BootNotification", IN_2X, ERROR)) is OccurrenceConstraintViolation
