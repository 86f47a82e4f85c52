import json

import pytest

from ocpp_server.protocol import errors
from ocpp_server.protocol.frames import pack_error, pack_result_error
from ocpp_server.protocol.versions import V2X, V16, V21, VERSIONS


@pytest.mark.parametrize(
    ("cls", "code_16", "code_2x"),
    [
        (errors.FormatViolation, "FormationViolation", "FormatViolation"),
        (
            errors.OccurrenceConstraintViolation,
            "OccurenceConstraintViolation",
            "OccurrenceConstraintViolation",
        ),
        (errors.RpcFrameworkError, "FormationViolation", "RpcFrameworkError"),
        (errors.NotImplementedAction, "NotImplemented", "NotImplemented"),
        (errors.TypeConstraintViolation, "TypeConstraintViolation", "TypeConstraintViolation"),
    ],
)
def test_R15_codes_are_spelled_as_each_version_spells_them(cls, code_16, code_2x):
    assert cls().code_for(V16) == code_16
    assert {cls().code_for(version) for version in V2X} == {code_2x}


def test_R15_1_6_uses_no_code_that_it_does_not_have():
    defined = {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "GenericError",
        "FormationViolation", "PropertyConstraintViolation", "OccurenceConstraintViolation",
        "TypeConstraintViolation",
    }  # fmt: skip

    assert {cls().code_for(V16) for cls in errors.OcppError.__subclasses__()} <= defined


def test_R16_an_error_is_packed_with_at_most_255_characters_and_an_object():
    error = errors.InternalError("x" * 1000)

    packed = json.loads(pack_error("1", error, V16))

    assert packed == [4, "1", "InternalError", "x" * 255, {}]


def test_R26_a_result_is_refused_with_message_type_5():
    packed = json.loads(pack_result_error("1", errors.TypeConstraintViolation("a"), V21) or "")

    assert packed == [5, "1", "TypeConstraintViolation", "a", {}]


def test_every_error_has_a_default_sentence():
    sentences = [cls().description for cls in errors.OcppError.__subclasses__()]

    assert len(set(sentences)) == len(errors.OcppError.__subclasses__())


def test_the_codes_of_each_version_are_those_of_its_specification():
    """1.6J 4.2.3 with its errata; 2.0.1 part 4 4.2.3."""
    common = {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "GenericError",
        "PropertyConstraintViolation", "TypeConstraintViolation",
    }  # fmt: skip
    in_2x = {
        "FormatViolation", "OccurrenceConstraintViolation", "MessageTypeNotSupported", "RpcFrameworkError",
    }  # fmt: skip

    assert {version: errors.codes(version) for version in VERSIONS} == {
        V16: common | {"FormationViolation", "OccurenceConstraintViolation"},
        **dict.fromkeys(V2X, common | in_2x),
    }


def test_1_6_names_an_unknown_message_type_an_error_of_the_protocol():
    assert errors.MessageTypeNotSupported.code_for(V16) == "ProtocolError"


def test_an_error_has_its_own_sentence_and_details_or_the_defaults():
    own = errors.NotSupported("Not now.", {"until": "noon"})

    assert (own.description, own.details, str(own)) == ("Not now.", {"until": "noon"}, "Not now.")
    assert (errors.NotSupported().description, errors.NotSupported().details) == (
        errors.NotSupported.sentence,
        {},
    )
