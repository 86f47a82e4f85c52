"""Train a zstd dictionary for stored payloads, and measure sizes of it on payloads it has not seen.

    python scripts/train_dictionary.py                    the table of sizes
    python scripts/train_dictionary.py --write 3          a new dictionary
    python scripts/train_dictionary.py --readings         the same for the samples of readings

A dictionary that was released never changes: rows that were stored with it need it. A better one gets the
next number, and a form of its own in `ocpp_server/storage/compression.py`.

The payloads are in `training_payloads.py`, and the readings are those in them. Stations, times, meters and
tokens of the measured payloads differ from those of the trained ones.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

from ocpp_server.protocol.translate.metering import samples_2x, samples_16  # noqa: E402 - as below
from ocpp_server.storage.compression import LEVEL, Codec  # noqa: E402 - found by the line above
from scripts.training_payloads import payloads  # noqa: E402 - found by the line above
from transactions.services.metering.samples import kind_of, number, write  # noqa: E402 - as above

FOLDER = ROOT / "ocpp_server" / "storage" / "dictionaries"
SIZES_KIB = (2, 4, 8, 16, 32, 64)
TRAINED, MEASURED = 400, 60  # stations of each version


def trained(kib: int, texts: list[bytes]) -> zstandard.ZstdCompressionDict:
    return zstandard.train_dictionary(kib * 1024, texts, level=LEVEL, threads=0)


def table(dictionaries: dict[str, zstandard.ZstdCompressionDict], measured: list[tuple[str, bytes]]) -> None:
    """Print the mean bytes of each kind of payload, and the mean microseconds, for each dictionary."""
    kinds = list(dict.fromkeys(kind for kind, _ in measured))
    print(f"{'':28}{'plain':>8}" + "".join(f"{name:>10}" for name in dictionaries))
    codecs = {}
    for name, dictionary in dictionaries.items():
        dictionary.precompute_compress(level=LEVEL)
        codecs[name] = Codec(dictionary)
    for kind in kinds:
        texts = [text for each, text in measured if each == kind]
        row = f"{kind:28}{statistics.mean(map(len, texts)):8.0f}"
        for codec in codecs.values():
            sizes = [min(len(codec.compress(text)), len(text)) + 1 for text in texts]
            row += f"{statistics.mean(sizes):10.1f}"
        print(row)
    texts = [text for _, text in measured]
    for title, run in (("us to compress", _compress_us), ("us to decompress", _decompress_us)):
        print(f"{title:36}" + "".join(f"{run(codec, texts):10.2f}" for codec in codecs.values()))


def _compress_us(codec: Codec, texts: list[bytes]) -> float:
    began = time.process_time()
    for text in texts:
        codec.compress(text)
    return (time.process_time() - began) / len(texts) * 1e6


def _decompress_us(codec: Codec, texts: list[bytes]) -> float:
    frames = [codec.compress(text) for text in texts]
    began = time.process_time()
    for frame in frames:
        codec.decompress(frame)
    return (time.process_time() - began) / len(texts) * 1e6


def readings(seed: str, stations: int) -> Iterator[tuple[str, str]]:
    """The stored texts of the samples in the payloads, by the number of samples."""
    for _, payload in payloads(seed, stations):
        for text, count in _readings_of(json.loads(payload)):
            yield f"readings of {count}" if count in {1, 3, 14, 30} else "other readings", text


def _readings_of(payload: Any) -> Iterator[tuple[str, int]]:
    meter_values = payload.get("meterValue", []) if isinstance(payload, dict) else []
    is_16 = bool(meter_values) and ("connectorId" in payload or "transactionId" in payload)
    for meter_value in meter_values:
        with contextlib.suppress(LookupError, TypeError, ValueError, AttributeError):  # not a real one
            found = (samples_16 if is_16 else samples_2x)([meter_value])
            kinds = [
                kind_of(one.measurand, one.phase, one.location, one.context, one.unit, one.raw_unit)
                for one in found
            ]
            odd = {
                at: one.value
                for at, (one, kind) in enumerate(zip(found, kinds, strict=True))
                if one.value != number(one.raw, kind.exponent)
            }
            signed = {at: one.signed_data for at, one in enumerate(found) if one.signed_data is not None}
            count, text = write(kinds, [one.raw for one in found], odd, signed)
            yield text, count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=int, metavar="NUMBER", help="write the dictionary of this number")
    parser.add_argument("--kib", type=int, default=16, help="its size in KiB (default: 16)")
    parser.add_argument("--readings", action="store_true", help="of the samples of readings, not of payloads")
    options = parser.parse_args()
    texts = readings if options.readings else payloads
    target = FOLDER / f"{options.write}.zdict"
    if options.write is not None and target.exists():
        parser.error(f"{target.name} exists, and a released dictionary never changes: take the next number")
    samples = [text.encode() for _, text in texts("train", TRAINED)]
    measured = [(kind, text.encode()) for kind, text in texts("measure", MEASURED)]
    print(f"{len(samples)} payloads of {sum(map(len, samples)) // 1024} KiB; measured {len(measured)} others")
    if options.write is not None:
        dictionary = trained(options.kib, samples)
        target.write_bytes(dictionary.as_bytes())
        table({target.name: dictionary}, measured)
    else:
        table({f"{kib} KiB": trained(kib, samples) for kib in SIZES_KIB}, measured)


if __name__ == "__main__":
    main()
