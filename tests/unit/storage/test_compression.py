"""The stored form of payloads: it is small, exact, bounded, and names itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_server.storage import compression
from ocpp_server.storage.compression import (
    MOST_BYTES,
    Unreadable,
    compressed,
    compressed_all,
    decompressed,
)

DICTIONARIES = Path(compression.__file__).parent / "dictionaries"
# Rows of every installation need these bytes: a released dictionary never changes.
RELEASED = {"1.zdict": "b5169d89f1d1efa03470d6620f549beb", "2.zdict": "eaef753c0edc14c471b8264b64e360f4"}
# The samples of a reading, as `transactions.services.metering.samples` writes them.
SAMPLES = b'[[0,0,18],[3,8,22],[3,9,22],[4,8,23],[2,0,20]]\n"123456 15.2 15.4 230.1 4000"'
MAGIC = b"\x28\xb5\x2f\xfd"


def reading(samples: int) -> bytes:
    sampled = [
        {
            "value": f"{230 + place}.4",
            "context": "Sample.Periodic",
            "measurand": "Voltage",
            "phase": f"L{place}",
        }
        for place in range(1, samples + 1)
    ]
    value = {"timestamp": "2026-05-04T12:00:00.123Z", "sampledValue": sampled}
    return json.dumps({"connectorId": 1, "transactionId": 4711, "meterValue": [value]}).encode()


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert decompressed(compressed(data)) == data
    assert decompressed(memoryview(compressed(data))) == data
    assert decompressed(compressed(b"[[" + data)) == b"[[" + data


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert decompressed(compressed(json.dumps({"idTag": text}).encode())).decode() == json.dumps(
        {"idTag": text}
    )


@given(st.binary(max_size=300))
def test_a_value_is_at_most_one_byte_longer(data: bytes) -> None:
    assert len(compressed(data)) <= len(data) + 1


SOME = (
    b"",
    b"{}",
    b"x" * 11,
    b"x" * 12,
    b'[[0,0,18]]\n"1500"',
    b'[["Voltage"]]\n"230.1"' * 3,
    bytes(range(256)),
)


@example([b'{"status":"Accepted"}', b'[[0,0,18]]\n"1500"', b"{}"])
@given(st.lists(st.sampled_from(SOME) | st.binary(max_size=60), max_size=8))
def test_many_values_have_the_forms_of_each_alone(values: list[bytes]) -> None:
    assert compressed_all(values) == [compressed(data) for data in values]


def test_payloads_of_stations_become_small() -> None:
    assert compressed(b'{"status":"Accepted"}')[0] == compression.WITH_DICTIONARY_1
    assert len(compressed(b"{}")) == 3
    assert compressed(b"{}")[0] == compression.PLAIN
    assert len(compressed(reading(3))) < 100
    assert len(compressed(reading(14))) < 150
    assert compressed(reading(14))[0] == compression.WITH_DICTIONARY_1


def test_short_values_cost_no_compression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_of_thread", lambda: pytest.fail("compressed"))

    for length in (0, 2, compression.LEAST_BYTES - 1):
        assert compressed(b"a" * length) == b"\0" + b"a" * length


def test_a_frame_carries_nothing_that_the_form_says() -> None:
    frame = compressed(reading(14))[1:]
    parameters = zstandard.get_frame_parameters(frame, format=zstandard.FORMAT_ZSTD1_MAGICLESS)

    assert not frame.startswith(MAGIC)
    assert (parameters.dict_id, parameters.has_checksum) == (0, False)
    assert parameters.content_size == len(reading(14))


def test_released_dictionaries_have_not_changed() -> None:
    found = {
        path.name: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in DICTIONARIES.iterdir()
    }
    assert found == RELEASED


def test_the_stored_form_has_not_changed() -> None:
    """Written by the first release that compressed."""
    stored = bytes.fromhex(
        "01608100e50100d341048ff3388fe4eebf27bb4b6ea9b94db050560efcc3496a868b1055d312ad32"
        "ddb6257e71b32d4e61a223fee773695daf0d4521851cf30821fb2a"
    )
    assert decompressed(stored) == reading(3)
    stored = bytes.fromhex("02204c0d010013c1021f3363bed159d13f7ae41107fc4c516df00608c2f500f7847f3e420bc8e7")
    assert decompressed(stored) == SAMPLES


def test_the_samples_of_a_reading_have_a_dictionary_of_their_own() -> None:
    stored = compressed(SAMPLES)

    assert stored[0] == 2
    assert len(stored) < len(SAMPLES) * 0.6 and len(stored) < len(compressed(b"{}" + SAMPLES))


@pytest.mark.parametrize("form", range(3, 256))
def test_an_unknown_form_is_named(form: int) -> None:
    with pytest.raises(Unreadable, match=rf"form {form}; this release knows 0 to 2"):
        decompressed(bytes([form]) + b"{}")


def test_a_value_without_a_form_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="empty"):
        decompressed(b"")


@pytest.mark.parametrize("length", range(1, len(compressed(reading(3)))))
def test_a_value_that_was_cut_is_unreadable(length: int) -> None:
    with pytest.raises(Unreadable):
        decompressed(compressed(reading(3))[:length])


def test_a_value_with_more_behind_it_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        decompressed(compressed(reading(3)) + b"\0")


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    for form in (b"\1", b"\2"):
        with contextlib.suppress(Unreadable):
            assert len(decompressed(form + data)) <= MOST_BYTES


def test_a_value_that_claims_too_much_is_refused_before_memory_is_taken() -> None:
    frame = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(
            format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=True
        )
    ).compress(bytes(MOST_BYTES + 1))

    assert len(frame) < 10_000
    with pytest.raises(Unreadable, match=f"claims {MOST_BYTES + 1} bytes; {MOST_BYTES} are allowed"):
        decompressed(b"\1" + frame)


def test_a_value_that_does_not_name_its_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(
            format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=False
        )
    )
    with pytest.raises(Unreadable, match="claims"):
        decompressed(b"\1" + compressor.compress(reading(3)))


def test_bytes_beyond_the_limit_are_stored_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MOST_BYTES", 1000)

    assert compressed(b"a" * 1000)[0] == compression.WITH_DICTIONARY_1
    assert compressed(b"a" * 1001) == b"\0" + b"a" * 1001
    assert decompressed(compressed(b"a" * 1001)) == b"a" * 1001


def test_threads_do_not_disturb_each_other() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        texts = [reading(3 + number % 5) + b" " * (number * 100 + turn) for turn in range(500)]
        wrong.extend(turn for turn, text in enumerate(texts) if decompressed(compressed(text)) != text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_each_thread_has_its_own_codec() -> None:
    codecs = []
    thread = threading.Thread(target=lambda: codecs.append(compression._of_thread().codec))
    thread.start()
    thread.join()
    assert codecs[0] is not compression._of_thread().codec
