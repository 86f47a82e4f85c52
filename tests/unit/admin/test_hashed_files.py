"""Static files: their names hold a hash of their content, also in style sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from ocpp_server.admin.hashed_files import StaticFile, StaticFiles


@pytest.fixture
def static_files(tmp_path: Path) -> Callable[..., StaticFiles]:
    """A function that writes files and returns their collection."""

    def written(**contents: bytes) -> StaticFiles:
        made = StaticFiles()
        folder = Path(mkdtemp(dir=tmp_path))
        made.paths = {}
        for key, content in contents.items():
            name = key.replace("__", "/").replace("_", ".")
            path = folder / key
            path.write_bytes(content)
            made.paths[name] = path
        return made

    return written


def known(files: StaticFiles, name: str) -> StaticFile:
    file = files.file(name)
    assert file is not None
    return file


def test_a_hash_changes_with_the_content_alone(static_files: Callable[..., StaticFiles]) -> None:
    first, same, other = (static_files(js__a_js=text) for text in (b"1", b"1", b"2"))

    names = [known(files, "js/a.js").hashed_name for files in (first, same)]
    assert names[0] == names[1] != known(other, "js/a.js").hashed_name
    assert names[0].startswith("js/a.") and names[0].endswith(".js")


def test_a_style_sheet_names_the_hashed_forms_of_its_files(static_files: Callable[..., StaticFiles]) -> None:
    files = static_files(
        css__main_css=b"""@import "other.css"; a { src: url(../fonts/a.woff2?v=1#x), url("b.svg") }
            i { background: url(data:image/png;base64,AA), url(https://example.org/x.png), url(gone.png) }""",
        css__other_css=b'@import url("main.css");',
        css__b_svg=b"<svg/>",
        fonts__a_woff2=b"font",
    )

    body = known(files, "css/main.css").body.decode()

    font, picture = known(files, "fonts/a.woff2"), known(files, "css/b.svg")
    assert f'url(../{font.hashed_name}?v=1#x), url("{picture.hashed_name.removeprefix("css/")}")' in body
    assert f'@import "{known(files, "css/other.css").hashed_name.removeprefix("css/")}"' in body
    for unchanged in ("url(data:image/png;base64,AA)", "url(https://example.org/x.png)", "url(gone.png)"):
        assert unchanged in body


def test_an_address_of_another_release_gets_the_file_of_this_one(
    static_files: Callable[..., StaticFiles],
) -> None:
    files = static_files(js__a_js=b"1", LICENSE=b"text")
    file = known(files, "js/a.js")

    assert files.requested(file.hashed_name) == (file, True)
    assert files.requested("js/a.js") == (file, False)
    assert files.requested("js/a.0123456789ab.js") == (file, False)
    assert files.requested(known(files, "LICENSE").hashed_name) == (known(files, "LICENSE"), True)
    assert files.requested("js/b.0123456789ab.js") is None
    assert files.requested("../settings.py") is None


def test_only_texts_are_compressed() -> None:
    assert (small := StaticFile("a.js", b"word " * 100).compressed) and len(small) < 100
    assert StaticFile("a.woff2", b"word " * 100).compressed is None
    assert StaticFile("a.js", b"x").compressed is None  # it would grow


def test_while_debugging_a_changed_file_is_read_again(
    static_files: Callable[..., StaticFiles], settings: Any
) -> None:
    settings.DEBUG = True
    files = static_files(a_js=b"1")
    known(files, "a.js")
    files.paths["a.js"].write_bytes(b"2")

    assert known(files, "a.js").body == b"2"
