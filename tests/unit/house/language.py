"""Counts the comments, docstrings and pages that break the rules of plain English.

Two rules, both of one unit of text (a comment block, a docstring, a paragraph of a page):

1. It must not start with a bare relative (`What is left is written`), a later sentence not with who or what.
2. It must not use a word of `WORDS`: the trade has a better one (`told` is sent, `nobody` is no process).

    python -m tests.unit.house.language PATH...     # prints the offenders and the counts
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = {
    ".git",
    ".venv",
    "__pycache__",
    "data",
    "node_modules",
    "schemas",  # of the OCPP specification
    "vendor",
    "results",
}
_MARKS = {
    **dict.fromkeys((".yaml", ".yml", ".toml", ".ini", ".cfg", ".in", ".sh", ".example"), "#"),
    ".lua": "--",
    ".js": "//",
    ".css": "/*",
}
_MARKS_BY_NAME = {"Dockerfile": "#", ".dockerignore": "#", ".gitignore": "#", ".env.example": "#"}

_RELATIVE = re.compile(r"(?:who|whom|whose|whoever|what|whatever|which|whichever|those|that)\b", re.I)
# A later sentence may start with "That is why": it refers to the sentence before.
_RELATIVE_LATER = re.compile(r"(?:[.;:!] )(?:Who|Whom|Whose|Whoever|What|Whatever)\b[^.?]*(?![^.?]*\?)[.;:]")

_QUESTION = re.compile(r"[^.:;?]*\?")

WORDS = {
    # Words for persons, used of programs
    "nobody, somebody, everybody, anybody": r"(?:no|some|every|any)body(?:'s)?(?: else)?",
    "whoever": r"who(?:m|so)?ever",
    "he, him, his, himself": r"he|him|his|himself",
    # Verbs of conversation and of the hand, used of programs
    "tell, told": r"tells?|told|telling",
    "hear, heard": r"hears?|heard",
    "say no, said no": r"(?:say|says|said|saying) no\b(?! more)",
    # Pages, banners, rules and specifications may say something; machines send, report and return.
    "a machine says": (
        r"(?:stations?|chargers?|gateways?|processors?|process(?:es)?|servers?|peers?|callers?|we|they)"
        r" (?:itself |still |already |has |have )?(?:say|says|said)"
    ),
    "was said": r"(?:is|are|was|were|be|been) said|(?:has|have|is) to say",
    "hang on": r"(?:hang|hangs|hung) on\b",
    "come up": r"(?:come|comes|came|coming) up(?! to)",
    "look at": r"looked at|looks? at it|being looked at",
    "in hand": r"in hand",
    "ill-treat": r"ill-treat\w*",
    # Adverbs that do not belong into technical texts
    "anew": r"anew",
    "for ever": r"for ever|forever",
    "done is done": r"is done is done",
    # Metaphors (the names of language.md)
    "poison": r"poison\w*",
    "vitals": r"vitals",
    "patience": r"patience|patient|patiently",
    "pulse": r"pulse",
    "bury": r"bury|buries|buried",
    "hire": r"hires?|hired",
    "illness": r"illness\w*|ill\b(?!-)",
    "bell, ring": r"(?:a|the|its|one) (?:bell|ring)|rings|rung",
    "grave, birth, death": r"graves?|tombs?|dies of|born",
}

# Phrases in which a word above is correct, each with its reason.
ALLOWED = (
    r"tell(?:s|ing)? [\w' ,]{0,40}?\b(?:apart|from)\b",  # to distinguish
    r"(?:cannot|can't) tell whether",  # to know
    r"told apart",
    r"his or her",
    r"(?:pulse|pulses) (?:of|per|meter)",  # a meter's pulses
    r"\bthat (?:way|is)\b:?",  # "That is why": the sentence before is its subject
    r"patients?' ",
)
_BAD = re.compile("|".join(rf"(?<![\w-])(?:{pattern})(?![\w-])" for pattern in WORDS.values()), re.I)
_GOOD = re.compile("|".join(ALLOWED), re.I)
_CODE = re.compile(r"```.*?```|``[^`]*``|`[^`]*`", re.S)
_FENCE = re.compile(r"^```.*?^```", re.S | re.M)
# A comment of Python is outside of its strings. The tokenizer of the library takes much longer to find it.
_STRING_OR_COMMENT = re.compile(
    r"\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(#[^\n]*)",
    re.S,
)
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pragma|mypy:|ruff:|nosec|!|-\*-|fmt:|isort:)")


@dataclass(frozen=True)
class Unit:
    """A comment block, a docstring or a paragraph, its white space joined."""

    path: Path
    line: int
    text: str
    kind: str  # comment, docstring, paragraph

    @property
    def faults(self) -> list[str]:
        """The broken rules: "starts with ..." or the word."""
        text = _CODE.sub("`code`", self.text)
        found = []
        start = text.lstrip("-*#> \"'([").lower()
        is_allowed = _QUESTION.match(start) or start.startswith("that is")
        if (match := _RELATIVE.match(start)) and not is_allowed:
            found.append(f"starts with {match[0]}")
        elif later := _RELATIVE_LATER.search(text):
            found.append(f"a sentence starts with {later[0].split()[1]}")
        found += [match[0] for match in _BAD.finditer(_GOOD.sub("", text))]
        return found


def units(path: Path) -> Iterator[Unit]:
    """The texts of one file; none of a kind of file that has no comments."""
    if path.suffix == ".py":
        text = path.read_text()
        yield from _docstrings(path, text)
        yield from _python_comments(path, text)
    elif path.suffix == ".md":
        yield from _paragraphs(path)
    elif mark := _MARKS_BY_NAME.get(path.name) or _MARKS.get(path.suffix):
        yield from _marked(path, mark)


def files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        if root.is_file():
            yield root
            continue
        for path in sorted(root.rglob("*")):
            if path.is_file() and not SKIPPED_FOLDERS.intersection(path.relative_to(root).parts):
                yield path


def _docstrings(path: Path, text: str) -> Iterator[Unit]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield Unit(path, node.body[0].lineno, " ".join(docstring.split()), "docstring")


def _python_comments(path: Path, text: str) -> Iterator[Unit]:
    block: list[str] = []
    first = last = column = 0
    line, start = 1, 0  # of the line in which the last comment is
    for found in _STRING_OR_COMMENT.finditer(text):
        comment = found[1]
        if comment is None or _DIRECTIVE.match(comment):
            continue
        line += text.count("\n", start, found.start())
        start = text.rfind("\n", 0, found.start()) + 1
        at = found.start() - start
        is_alone = not text[start : found.start()].strip()
        if block and is_alone and line == last + 1 and at == column:
            block.append(comment)
        else:
            if block:
                yield _comment(path, first, block)
            block, first, column = [comment], line, at if is_alone else -1
        last = line
    if block:
        yield _comment(path, first, block)


def _marked(path: Path, mark: str) -> Iterator[Unit]:
    block: list[str] = []
    first = 0
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        stripped = line.strip()
        if stripped.startswith(mark):
            first = first if block else number
            block.append(stripped)
            continue
        if block:
            yield _comment(path, first, block)
            block = []
        behind = re.search(rf"\s{re.escape(mark)}\s(.*)$", line)
        if behind and not re.search(r"[\"'][^\"']*$", line[: behind.start()]):
            yield _comment(path, number, [behind[1]])


def _comment(path: Path, line: int, block: list[str]) -> Unit:
    words = " ".join(part.strip("#-/*! ") for part in block)
    return Unit(path, line, " ".join(words.split()), "comment")


def _paragraphs(path: Path) -> Iterator[Unit]:
    """Paragraphs, headings, list items and table cells; no code."""
    text = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())
    block: list[str] = []
    first = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        stripped = line.strip()
        starts = re.match(r"[-*#|]|\d+\.\s", stripped)
        if block and (not stripped or starts):
            yield Unit(path, first, " ".join(block), "paragraph")
            block = []
        if stripped.startswith("|"):
            for cell in stripped.strip("|").split("|"):
                if cell.strip(" -:"):
                    yield Unit(path, number, cell.strip(), "paragraph")
        elif stripped:
            first = first if block else number
            block.append(re.sub(r"^(?:[-*]|#+|\d+\.)\s+", "", stripped))
            if stripped.startswith("#"):
                yield Unit(path, first, " ".join(block), "paragraph")
                block = []


def main(arguments: list[str]) -> int:
    counts: dict[bool, int] = {True: 0, False: 0}
    for path in files(map(Path, arguments)):
        for unit in units(path):
            counts[bool(unit.faults)] += 1
            if unit.faults:
                print(f"{path}:{unit.line}: [{', '.join(unit.faults)}] {unit.text[:150]}")
    total = sum(counts.values())
    print(f"{counts[True]} of {total} texts ({100 * counts[True] / max(total, 1):.1f} %)")
    return int(counts[True] > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
