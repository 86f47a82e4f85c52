"""Shell completion, in a real bash, and in a real zsh where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from django.core.management import get_commands

from ocpp_server import commanding
from ocpp_server.management import completion

# A line, and some of the words that may follow.
OFFERED: Final = {
    "manage.py ": {"stations", "tokens", "keys", "configuration", "station", "simulate", "pki", "migrate"},
    "./manage.py tok": {"tokens"},
    "python3 manage.py tok": {"tokens"},
    "python3 run.py manage tok": {"tokens"},
    "./run.py ma": {"manage"},
    "run.py ho": {"housekeeping"},
    "manage.py tokens ": {"list", "show", "add", "block"},
    "manage.py tokens add 04A1 --is-m": {"--is-master"},
    "manage.py tokens add --is-master t": {"true"},
    "manage.py tokens add --type AUTO": {"AUTOCHARGE"},
    "manage.py tokens add --type RFID --whi": {"--whitelist"},
    "manage.py tokens add --json --type RF": {"RFID"},
    "manage.py keys add billing --role v": {"viewer"},
    "manage.py keys add --scopes tokens:re": {"read"},
    "manage.py keys add --scopes tokens:read --sites 1 2 --ro": {"--role"},
    "manage.py station res": {"reset", "reserve"},
    "manage.py station reset CP-7 --type H": {"Hard"},
    "manage.py completion z": {"zsh"},
    "manage.py pki rest": {"restore"},
}
# Unknown words, and values without choices: the shell completes file names there.
UNOFFERED: Final = ["manage.py nonsense --", "python3 other.py ", "manage.py tokens add --name "]


@cache
def script(shell: str) -> str:
    return completion.script(shell)


@cache
def completed() -> dict[str, set[str]]:
    """The words that bash offers at the end of each line, of one process: it reads the script once."""
    text = (
        f"{script('bash')}\n"
        "while IFS= read -r line; do\n"
        "  COMP_LINE=$line COMP_POINT=${#line}\n"
        # As readline splits a line.
        "  COMP_WORDS=(${line//:/ : })\n"
        '  case "$line" in *" ") COMP_WORDS+=("") ;; esac\n'
        "  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
        "  _ocpp_complete\n"
        '  echo "${COMPREPLY[*]}"\n'
        "done\n"
    )
    lines = [*OFFERED, *UNOFFERED]
    done = subprocess.run(
        ["bash", "-c", text],
        input="".join(f"{one}\n" for one in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {one: set(words.split()) for one, words in zip(lines, done.stdout.splitlines(), strict=True)}


@pytest.mark.parametrize("line", OFFERED)
def test_bash_offers_the_words_that_may_follow(line: str) -> None:
    offered = completed()[line]

    assert OFFERED[line] <= offered
    last = line.rpartition(" ")[2].rpartition(":")[2]
    assert all(word.startswith(last) for word in offered)


def test_other_words_are_left_to_the_shell() -> None:
    assert [line for line in UNOFFERED if completed()[line]] == []


def test_every_command_step_and_option_is_in_the_table() -> None:
    found = completion.offers()

    assert set(found[""]) == set(get_commands())
    assert {f"station {one.name}" for one in commanding.commands()} <= set(found)
    assert {"--uid", "--json"} & set(found["tokens add"]) == {"--json"}  # the uid is positional
    assert "--valid-from" in found["tokens change"]


def test_both_shells_can_read_their_script(tmp_path: Path) -> None:
    for shell in completion.SHELLS:
        file = tmp_path / shell
        file.write_text(script(shell))
        if shutil.which(shell):
            subprocess.run([shell, "-n", file], check=True)


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_offers_the_words_that_may_follow(tmp_path: Path) -> None:
    file = tmp_path / "completion.zsh"
    # compadd works in a completion only: here it prints what it is given.
    file.write_text(
        "compdef() { }\ncompadd() { shift; print -l -- $@ }\n_files() { }\n"
        f"{script('zsh')}\n"
        "words=(manage.py keys add --scopes ''); CURRENT=5; _ocpp_complete\n"
    )

    done = subprocess.run(["zsh", "-f", file], capture_output=True, text=True, check=True, env=os.environ)

    assert {"tokens:read", "--role"} <= set(done.stdout.split())
