"""Shell completion: the commands of `manage.py` with their steps and options, as a script for bash or zsh.

The script has the words in a table, so that completing starts no Python.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core.management import get_commands, load_command_class

SHELLS: Final = ("bash", "zsh")
# A word that needs no quotes in any shell.
_PLAIN: Final = re.compile(r"[\w.:@/+-]+", re.ASCII)
_RUN_WORDS: Final = re.compile(r"^  .*?python3 run\.py ([a-z][\w-]*)", re.MULTILINE)

# The words of a command line -> the words that may follow them. An option that takes a value has a line of
# its own, and " +" after it if it takes several. Without a line, a word is a value or a flag.
Offers = dict[str, list[str]]


def offers() -> Offers:
    """The words of all commands."""
    commands = get_commands()
    found: Offers = {"": sorted(commands)}
    for name in sorted(commands):
        app = commands[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        found |= _of_parser(name, command.create_parser("manage.py", name))
    return found


def _of_parser(path: str, parser: argparse.ArgumentParser) -> Offers:
    words: list[str] = []
    below: Offers = {}
    for action in parser._actions:  # argparse has no public way to read a parser
        if isinstance(action, argparse._SubParsersAction):
            words += action.choices
            for name, one in action.choices.items():
                below |= _of_parser(f"{path} {name}", one)
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            words += action.option_strings
            below |= _of_option(path, action)
        else:
            words += _values(action)
    return {path: words, **below}


def _of_option(path: str, action: argparse.Action) -> Offers:
    if action.nargs == 0:
        return {}
    more = [""] if action.nargs not in ("*", "+") else ["", " +"]
    return {f"{path} {name}{end}": _values(action) for name in action.option_strings for end in more}


def _values(action: argparse.Action) -> list[str]:
    values = getattr(action, "offered", None) or action.choices or ()
    return [text for text in map(str, values) if _PLAIN.fullmatch(text)]


def script(shell: str) -> str:
    """The script for one of SHELLS."""
    table = "\n".join(_table())
    return f"{_HEAD[shell]}\n{_SHARED.replace('TABLE', table)}\n{_TAIL[shell]}"


def _table() -> Iterator[str]:
    run = (settings.BASE_DIR / "run.py").read_text("utf-8")
    words = sorted({*_RUN_WORDS.findall(run), "--help"})
    yield f'    "run.py") _ocpp_words="{" ".join(words)}" ;;'
    for path, found in offers().items():
        yield f'    "{f"manage {path}".strip()}") _ocpp_words="{" ".join(found)}" ;;'


_HEAD: Final = {
    "bash": "# Completion for bash, made by `manage.py completion bash`. Make it again after an update.",
    "zsh": "#compdef manage.py run.py\n"
    "# Completion for zsh, made by `manage.py completion zsh`. Make it again after an update.",
}
# In the common part of the languages of both shells.
_SHARED: Final = r"""
_ocpp_offers() {
  case "$1" in
TABLE
    *) _ocpp_words=""; return 1 ;;
  esac
}

# The arguments are the words before the cursor, beginning with manage.py or run.py. The words that may follow
# are in _ocpp_words afterwards; without one, a file name may follow.
_ocpp_follow() {
  local place option word
  option=""
  case "${1##*/}" in
    manage.py) place="manage" ;;
    run.py) place="run.py" ;;
    *) _ocpp_words=""; return 1 ;;
  esac
  shift
  for word in "$@"; do
    if [ "$place" = "run.py" ]; then
      case "$word" in
        manage) place="manage" ;;
        *) _ocpp_words=""; return 1 ;;
      esac
      continue
    fi
    case "$word" in
      -*) option="$word"; continue ;;
    esac
    if [ -n "$option" ] && _ocpp_offers "$place $option"; then
      _ocpp_offers "$place $option +" || option=""
      continue
    fi
    option=""
    if _ocpp_offers "$place $word"; then
      place="$place $word"
    fi
  done
  if [ -z "$option" ] || ! _ocpp_offers "$place $option"; then
    _ocpp_offers "$place"
    return
  fi
  # It may have had enough values already.
  word="$_ocpp_words"
  if _ocpp_offers "$place $option +"; then
    _ocpp_offers "$place"
    word="$word $_ocpp_words"
  fi
  _ocpp_words="$word"
}
"""
_TAIL: Final = {
    "bash": r"""
_ocpp_complete() {
  local _ocpp_words cur begin first=0
  # COMP_WORDS are split at colons, too, which scopes have.
  cur="${COMP_LINE:0:COMP_POINT}"
  cur="${cur##*[[:space:]]}"
  begin="${cur%"${cur##*:}"}"
  case "${COMP_WORDS[0]##*/}" in
    python*) first=1 ;;
  esac
  COMPREPLY=()
  [ "$COMP_CWORD" -gt "$first" ] || return 0
  _ocpp_follow "${COMP_WORDS[@]:first:COMP_CWORD-first}"
  # Without mapfile, which the bash of macOS does not have. The words are without blanks and patterns.
  COMPREPLY=($(compgen -W "$_ocpp_words" -- "$cur"))
  COMPREPLY=("${COMPREPLY[@]#"$begin"}")
}

complete -o bashdefault -o default -F _ocpp_complete manage.py run.py python3 python
""",
    "zsh": r"""
_ocpp_complete() {
  local _ocpp_words
  _ocpp_follow "${(@)words[1,CURRENT-1]}"
  if [[ -n "$_ocpp_words" ]]; then
    compadd -- ${=_ocpp_words}
  else
    _files
  fi
}

if [[ "$funcstack[1]" == "_manage.py" ]]; then
  _ocpp_complete "$@"
else
  compdef _ocpp_complete manage.py run.py
fi
""",
}
