"""The locked requirements: every Python runs the versions that are tested."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.servers import ROOT

# A pin for PyPy, which the server does not support, is none of ours.
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==\S++(?! ; platform_python_implementation == 'PyPy')", re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_package_has_one_version_for_all_versions_of_python(name: str) -> None:
    packages = Counter(found[1].lower() for found in PINNED.finditer((ROOT / name).read_text()))

    assert len(packages) > 20
    assert [package for package, count in packages.items() if count > 1] == []


def test_every_pin_has_a_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.split(r"^(?=[A-Za-z0-9._-]+==)", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
