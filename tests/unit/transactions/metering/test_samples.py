"""The text of the samples of a reading: what is read is what was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate.metering import ENERGY, POWER, Sample, samples_2x, samples_16
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage.compression import compressed, decompressed
from tests.direct.properties import searched, searched_for_long
from transactions.services.metering import samples
from transactions.services.metering.measured import Measured, kind_of_sample
from transactions.services.metering.samples import ALL, WORDS, Role, Wanted, kind_of, read

TIME = "2026-05-04T12:00:00Z"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def written(taken: list[Sample]) -> str:
    measured = Measured(NOON)
    for one in taken:
        measured.take(kind_of_sample(one), one.value, one.raw, one.signed_data)
    columns = measured.columns(1, 1)
    text: str = columns["samples"]
    assert columns["sample_count"] == len(read(text))
    return text


def as_stored(one: Sample) -> tuple[Any, ...]:
    return (
        one.measurand[:64],
        one.phase[:16],
        one.location[:16],
        one.context[:32],
        one.value,
        one.unit[:16],
        one.raw,
        one.raw_unit[:64],
        one.signed_data,
    )


def as_read(text: str, wanted: Wanted = ALL) -> list[tuple[Any, ...]]:
    return [
        (*kind[:4], value, kind.unit, raw, kind.raw_unit, signed)
        for _, kind, value, raw, signed in read(text, wanted)
    ]


def once(taken: list[Sample]) -> list[Sample]:
    """The samples without repetitions, as readings are stored."""
    found: dict[Any, Sample] = {}
    for one in taken:
        kind = kind_of_sample(one)
        found.setdefault((kind.measurand, kind.phase, kind.location, kind.context, one.raw), one)
    return list(found.values())


# Surrogates are no JSON.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
words = st.one_of(st.sampled_from(WORDS), texts)
numbers = st.one_of(
    st.from_regex(r"-?[0-9]{1,7}([.,][0-9]{0,5})?", fullmatch=True),
    st.sampled_from(["", " 5 ", "+5", "1e3", "1E-3", "-0", "nan", "inf", "1_000", "1e400", "1e16", "5 Wh"]),
    texts,
)
units = st.one_of(st.sampled_from(["Wh", "kWh", "W", "kW", "%", "Whe3", "We-3", "e3", "kWhe99"]), words)
sampled_16 = st.fixed_dictionaries(
    {"value": numbers},
    optional={
        "measurand": words,
        "phase": words,
        "location": words,
        "context": words,
        "unit": units,
        "format": st.sampled_from(["Raw", "SignedData"]),
    },
)
sampled_2x = st.fixed_dictionaries(
    {"value": st.one_of(st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False))},
    optional={
        "measurand": words,
        "phase": words,
        "location": words,
        "context": words,
        "unitOfMeasure": st.fixed_dictionaries(
            {}, optional={"unit": units, "multiplier": st.integers(-40, 40)}
        ),
        "signedMeterValue": st.dictionaries(texts, texts, min_size=1, max_size=3),
    },
)


def returns_what_was_written(taken: list[Sample]) -> None:
    text = decompressed(compressed(written(taken).encode())).decode()

    assert as_read(text) == [as_stored(one) for one in once(taken)]


@searched(200)
@given(st.lists(sampled_16, min_size=1, max_size=20))
@example([{"value": "a b"}, {"value": "c"}])
@example([{"value": ""}])
@example([{"value": "x\ny\u2028z\x00"}, {"value": '"\\'}])
def test_samples_of_1_6_are_read_as_they_were_written(sampled: list[dict[str, Any]]) -> None:
    returns_what_was_written(samples_16([{"timestamp": TIME, "sampledValue": sampled}]))


@searched(200)
@given(st.lists(sampled_2x, min_size=1, max_size=20))
def test_samples_of_2_x_are_read_as_they_were_written(sampled: list[dict[str, Any]]) -> None:
    returns_what_was_written(samples_2x([{"timestamp": TIME, "sampledValue": sampled}]))


@searched_for_long(5000)
@given(st.lists(sampled_16, min_size=1, max_size=30), st.lists(sampled_2x, min_size=1, max_size=30))
def test_samples_are_read_as_they_were_written_for_long(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> None:
    returns_what_was_written(samples_16([{"timestamp": TIME, "sampledValue": old}]))
    returns_what_was_written(samples_2x([{"timestamp": TIME, "sampledValue": new}]))


def of_16(*sampled: dict[str, Any]) -> list[Sample]:
    return samples_16([{"timestamp": TIME, "sampledValue": sampled}])


def test_the_usual_samples_take_a_few_bytes_each() -> None:
    text = written(
        of_16(
            {"value": "123456"},
            {"value": "230.1", "measurand": "Voltage", "phase": "L1", "unit": "V"},
            {"value": "1", "context": "Transaction.End", "location": "EV"},
        )
    )

    assert text == '[[],[4,8,23],[0,0,0,46,55]]\n"123456 230.1 1"'


def test_only_what_does_not_follow_from_the_text_is_written_beside_it() -> None:
    signed = {"value": "ab", "format": "SignedData"}
    taken = of_16({"value": "1.5", "unit": "kWh"}, {"value": "1,5"}, {"value": "1e16"}, signed)

    assert written(taken).split("\n")[2:] == ['[{"1":1.5,"2":null},{"3":"ab"}]']


def test_a_value_with_a_blank_is_kept_apart_from_the_others() -> None:
    assert written(of_16({"value": "1 2"}, {"value": "3"})).split("\n")[1] == '["1 2","3"]'


def test_only_the_wanted_samples_are_read() -> None:
    text = written(
        of_16(
            {"value": "1"},
            {"value": "2", "measurand": POWER, "phase": "L1"},
            {"value": "3", "measurand": POWER, "context": "Trigger"},
            {"value": "4", "measurand": POWER, "location": "Inlet"},
        )
    )

    def raws(wanted: Wanted) -> str:
        return "".join(raw for _, _, _, raw, _ in read(text, wanted))

    power = frozenset({POWER})
    assert raws(Wanted(power)) == "234"
    assert raws(Wanted(power, phases=frozenset({"L1"}))) == "2"
    assert raws(Wanted(contexts=frozenset({"Trigger"}))) == "3"
    assert raws(Wanted(power, locations=frozenset({"Outlet"}))) == "23"
    assert raws(Wanted(frozenset({"SoC"}))) == ""
    assert [number for number, *_ in read(text, Wanted(power))] == [1, 2, 3]


def test_a_reading_of_very_many_kinds_is_read_and_not_kept_parsed() -> None:
    taken = of_16(*({"value": "1", "measurand": f"Vendor.{number}"} for number in range(1000)))
    text = written(taken)
    before = samples._cached.cache_info().currsize

    assert as_read(text) == [as_stored(one) for one in taken]
    assert samples._cached.cache_info().currsize == before


def test_every_word_of_the_schemas_has_a_number() -> None:
    fields = {"measurand", "phase", "context", "location", "unit"}
    fields |= {f"{name}EnumType" for name in ("Measurand", "Phase", "ReadingContext", "Location")}

    def found(node: Any, name: str = "") -> set[str]:
        if isinstance(node, list):
            return set().union(*(found(item) for item in node))
        if not isinstance(node, dict):
            return set()
        if name in fields:
            return set(node.get("enum", ()))
        return set().union(*(found(item, key) for key, item in node.items()))

    for version in (V16, *V2X):
        wanted = found(schemas.message_schema(version, "MeterValues", "request"))
        assert wanted and wanted <= set(WORDS), wanted - set(WORDS)


def test_the_numbers_of_words_never_change() -> None:
    # Readings that are stored contain them.
    assert len(set(WORDS)) == len(WORDS)
    released = {
        1: ENERGY,
        7: "Temperature",
        8: "L1",
        17: "L3-L1",
        18: "Wh",
        41: "mA",
        46: "Transaction.End",
        54: "Cable",
        59: "Current.Offered",
        109: "Voltage.Maximum",
    }
    assert {number: WORDS[number] for number in released} == released


@pytest.mark.parametrize(
    ("measurand", "phase", "location", "role"),
    [
        (ENERGY, "", "Outlet", Role.REGISTER),
        (ENERGY, "L1", "", Role.REGISTER),
        (ENERGY, "", "Inlet", Role.OTHER),
        (POWER, "L1-N", "Outlet", Role.POWER),
        ("SoC", "", "EV", Role.SOC),
        ("SoC", "L1", "EV", Role.OTHER),
        ("Current.Import", "L1", "Outlet", Role.CURRENT),
        ("Current.Import", "N", "Outlet", Role.OTHER),
        ("Voltage", "L1-N", "Outlet", Role.VOLTAGE),
        ("Voltage", "L1-L2", "Outlet", Role.OTHER),
        ("Voltage", "", "Cable", Role.OTHER),
        ("Frequency", "", "Outlet", Role.OTHER),
    ],
)
def test_a_kind_says_what_a_session_needs_it_for(
    measurand: str, phase: str, location: str, role: Role
) -> None:
    assert kind_of(measurand, phase, location, "", "", "").role is role


def test_the_text_of_a_kind_is_json() -> None:
    assert orjson.loads(kind_of('"', "\n", "", "", "", "").text) == ['"', "\n", 0, "", ""]
