"""A conformance test asserts a frame or a row only where an assert sees it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.conformance import evidence, recording
from tests.conformance.evidence import gathered, lines_in, note

READ = "read()  # here"


def is_seen(body: str) -> bool:
    """Whether an assert sees the line with `# here` of a function with this body."""
    source = "async def test():\n" + indent(dedent(body), "    ")
    number = next(number for number, line in enumerate(source.splitlines(), 1) if "# here" in line)
    return number in lines_in(source)


@pytest.mark.parametrize(
    "body",
    [
        f"assert {READ}",
        "assert (\n    1,\n    read(),  # here\n) == x",
        f"row = {READ}\nassert row['state'] == 'ended'",
        f"(row,) = {READ}\nassert row",
        f"row = {READ}\nstate = row['state']\nassert state == 'ended'",
        f"first, second = {READ}\nassert first\nassert second",
        f"rows = {READ}\nassert len(rows) == 2",
        f"rows = {READ}\nassert rows.count(1) == 2",
        f"found |= {READ}\nassert found",
        f"if (row := {READ}\n):\n    assert row",
        "for row in read():  # here\n    assert row",
        f"with pytest.raises(Refused):\n    {READ}",
        "await eventually(lambda: read())  # here",
    ],
)
def test_the_result_of_a_read_is_asserted(body: str) -> None:
    assert is_seen(body)


@pytest.mark.parametrize(
    "body",
    [
        READ,
        f"row = {READ}",
        f"row = {READ}\nassert other",
        # Only where to look, not what is found.
        f"call = {READ}\nassert records.command(call[1])['state'] == 'accepted'",
        f"call = {READ}\nrow = records.command(call[1])\nassert row['state'] == 'accepted'",
        # The frame is ignored.
        f"code, _ = {READ}\nassert code == 200",
        f"async with station(server) as peer:\n    {READ}\nassert peer.identity",
        f"async with {READ}\n    assert True".replace("()", "() as peer:"),
        "with suppress(Refused):\n    read()  # here",
    ],
)
def test_the_result_of_a_read_is_not_asserted(body: str) -> None:
    assert not is_seen(body)


def test_the_asserts_of_another_function_do_not_count() -> None:
    source = "def one():\n    row = read()\n\ndef two():\n    assert row\n"

    assert lines_in(source) == {5}


# -- at run time ---------------------------------------------------------------------------------------------


def stored() -> int:
    note("stored")
    return 1


def through_a_helper() -> int:
    return stored()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests of this folder count as those of the conformance tests."""
    monkeypatch.setattr(evidence, "_FOLDER", str(Path(__file__).parent))


@pytest.mark.usefixtures("here")
def test_a_read_in_an_assert_is_noted_also_through_a_helper() -> None:
    with gathered() as directly:
        assert stored() == 1
    with gathered() as indirectly:
        assert through_a_helper() == 1
    with gathered() as nothing:
        stored()

    assert (directly, indirectly, nothing) == ({"stored"}, {"stored"}, set())


def test_a_read_of_another_folder_or_outside_of_a_test_is_not_noted() -> None:
    with gathered() as found:
        assert stored() == 1
    assert stored() == 1

    assert found == set()


# -- the record ----------------------------------------------------------------------------------------------


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results.json"
    monkeypatch.setattr(recording, "STORED", path)
    monkeypatch.setattr(recording, "named_tests", lambda: {"16-001": ["a::one", "a::two"]})
    return path


def test_a_run_replaces_its_own_results_and_forgets_tests_that_are_gone(record: Path) -> None:
    before = {"outcome": "passed", "asserts": ["wire"]}
    record.write_text(json.dumps({"a::one": before, "a::two": before, "a::gone": before}))
    recorder = recording.Recorder()

    recorder.add("a::one[0]", "passed", {"wire", "stored"})
    recorder.add("a::one[1]", "passed", {"stored"})
    recorder.write()

    assert recording.recorded() == {"a::one": {"outcome": "passed", "asserts": ["stored"]}, "a::two": before}


@pytest.mark.parametrize("outcomes", [("passed", "failed"), ("failed", "passed")])
def test_one_failed_parameter_fails_the_test(record: Path, outcomes: tuple[str, str]) -> None:
    recorder = recording.Recorder()

    for number, outcome in enumerate(outcomes):
        recorder.add(f"a::one[{number}]", outcome, {"wire"})
    recorder.write()

    assert recording.recorded()["a::one"]["outcome"] == "failed"


def test_a_test_that_no_longer_asserts_what_it_did_is_noticed(record: Path) -> None:
    record.write_text(json.dumps({"a::one": {"outcome": "passed", "asserts": ["stored", "wire"]}}))

    assert recording.lost("a::one[x]", {"wire"}) == {"stored"}
    assert recording.lost("a::one", {"wire", "stored"}) == set()
    assert recording.lost("a::two", set()) == set()
