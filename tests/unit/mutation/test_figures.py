"""The share of mutants that the tests notice stands in docs/testing.md and must not drop."""

from __future__ import annotations

import os

import pytest

from tests.mutation import figures
from tests.mutation.figures import BEGIN, END, GRAVE, PAGE, REPORT, Figure, doubt


def test_the_page_has_the_figures_that_are_kept() -> None:
    page = PAGE.read_text()
    assert page[page.index(BEGIN) + len(BEGIN) : page.index(END)].strip() == figures.table(figures.stored())


def test_every_package_has_a_figure() -> None:
    measured = set(figures.stored())
    assert measured == {*figures.PACKAGES, *GRAVE, figures.SCRIPTS}


def test_some_rows_are_measured_with_their_files_alone() -> None:
    assert figures.rows(["configuration/c", "money"]) == ["configuration/commands", "money"]
    assert figures.rows() == [*figures.PACKAGES, *GRAVE, figures.SCRIPTS]
    found = figures.files(["events/services", "money"])
    assert {path.split("/")[0] for path in found} == {"accounts", "events", "transactions"}
    assert "accounts/services/people.py" not in found


@pytest.mark.parametrize("subject", GRAVE)
def test_every_pattern_of_a_grave_subject_names_files(subject: str) -> None:
    assert [pattern for pattern in GRAVE[subject] if not list(figures.ROOT.glob(pattern))] == []


def test_the_figure_of_a_small_sample_is_more_doubtful() -> None:
    assert doubt(Figure(mutants=100, noticed=80)) == pytest.approx(8)
    assert doubt(Figure(mutants=400, noticed=320)) == pytest.approx(4)


def test_a_share_is_in_percent_of_the_mutants() -> None:
    assert Figure(mutants=8, noticed=6).share == 75
    assert Figure(mutants=0, noticed=0).share == 100


def may_differ(sample: float, figure: Figure) -> float:
    """By how many percent the figure of a sample may be wrong; a run of all mutants is right."""
    return doubt(figure) if sample else 0.0


@pytest.mark.nightly
def test_no_figure_drops() -> None:
    """Takes an hour or more. MUTATION_SAMPLE=10 runs a tenth of the mutants, which is less exact."""
    stored = figures.stored()
    kept = {name: figures.figure_of(each) for name, each in stored.items()}
    sample = float(os.environ.get("MUTATION_SAMPLE") or 0)

    measured, survivors = figures.measure(sample, processes=2)

    REPORT.write_text("\n".join(survivors) + "\n")
    dropped = {
        name: f"{figure.share:.1f} % instead of {kept[name].share:.1f} %"
        for name, figure in measured.items()
        if figure.share
        < kept[name].share - may_differ(stored[name]["sample"], kept[name]) - may_differ(sample, figure)
    }
    assert not dropped, f"the mutants that no test notices are in {REPORT}"
