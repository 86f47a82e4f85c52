"""The names that a screen reader announces, and the check that nothing of it lacks a name."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

CONTROLS = {"input", "select", "textarea"}
# Their text or value is their name, or they are not shown.
NAMED_BY_THEMSELVES = {"hidden", "submit", "button", "reset"}
VOID = {"input", "br", "img", "link", "meta", "hr", "source", "col"}


class Page(HTMLParser):
    """The parts of a page that a screen reader announces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.labelled: set[str] = set()
        self.ids: set[str] = set()
        self.controls: list[dict[str, Any]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids.add(found.get("id") or "")
        if tag == "label":
            self.labelled.add(found.get("for") or "")
        if tag in CONTROLS and found.get("type") not in NAMED_BY_THEMSELVES:
            self.controls.append({"tag": tag, **found, "inside": "label" in self._open})
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def count(self, tag: str) -> int:
        return len([name for name, _ in self.tags if name == tag])

    def first_focusable(self) -> dict[str, str | None]:
        after_body = self.tags[[name for name, _ in self.tags].index("body") :]
        return next(
            attrs
            for tag, attrs in after_body
            if tag in CONTROLS | {"button"} or (tag == "a" and "href" in attrs)
        )

    def nameless(self) -> list[dict[str, Any]]:
        return [
            control
            for control in self.controls
            if not (
                control["inside"]
                or (control.get("type") == "search" or control.get("id") == "searchbar")
                and control.get("placeholder")
                or "hidden" in (control.get("class") or "").split()
                or control.get("aria-label")
                or (control.get("id") and control["id"] in self.labelled)
                or set((control.get("aria-labelledby") or "").split()) & self.ids
            )
        ]


def announced(text: str, path: str) -> None:
    page = Page(text)

    assert page.count("main") == 1, path
    assert page.count("h1") == 1, path
    assert page.first_focusable().get("href") == "#main-content", path
    assert "main-content" in page.ids, path
    assert page.nameless() == [], path
