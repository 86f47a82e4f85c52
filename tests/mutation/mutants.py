"""The mutants of a file, and how one takes the place of the code that runs.

A mutant is a small change of the text. Its function is compiled anew and the code object is exchanged in the
functions that exist already, wherever decorators and registries hold them; so nothing is imported again.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from tests.mutation.operators import changes, is_left_alone

ROOT = Path(__file__).resolve().parents[2]
# A line with this comment is not changed; the comment says why no test can notice a change.
EQUIVALENT = re.compile(r"#\s*equivalent:\s*(\S.*)")

# The calls that make a plain value.
_PLAIN_VALUES = frozenset({"dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple"})


class NotReachedError(Exception):
    """No function that exists has the changed code, or its closure differs."""


@dataclass(frozen=True)
class Mutant:
    """A change of the text between two offsets. `function` is the outermost function, "" at module level."""

    path: str
    line: int
    last_line: int
    function: str
    first_line: int  # of that function, its decorators included: as code objects count
    start: int
    end: int
    was: str
    now: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.now + text[self.end :]

    def __str__(self) -> str:
        was, now = (" ".join(part.split())[:100] for part in (self.was, self.now))
        return f"{self.path}:{self.line}: {was}  ->  {now}"


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str, text: str, module: cst.Module) -> None:
        super().__init__()
        self._path, self._text, self._module = path, text, module
        self._scopes: list[cst.FunctionDef | cst.ClassDef] = []
        lines = text.splitlines(keepends=True)
        self._offsets = [0]
        for line in lines:
            self._offsets.append(self._offsets[-1] + len(line))
        self._equivalent = {number for number, line in enumerate(lines, 1) if EQUIVALENT.search(line)}
        self._read_later = _names_read_later(module)
        self.found: list[Mutant] = []

    def _range(self, node: cst.CSTNode) -> CodeRange:
        return self.get_metadata(PositionProvider, node)  # type: ignore[no-any-return]

    def on_visit(self, node: cst.CSTNode) -> bool:
        if is_left_alone(node) or self._is_left_alone_here(node):
            return False
        for replaced, changed in changes(node):
            self._add(replaced, changed)
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._scopes.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._scopes and self._scopes[-1] is original_node:
            self._scopes.pop()

    def _is_left_alone_here(self, node: cst.CSTNode) -> bool:
        """At import only plain values are changed: assignments whose value calls nothing. The arguments of a
        class, the members of an Enum, the defaults of fields and the names that only the import reads can't
        be exchanged later.
        """
        if any(isinstance(scope, cst.FunctionDef) for scope in self._scopes):
            return False
        if isinstance(node, cst.If | cst.Arg):
            return True
        if self._scopes and isinstance(node, cst.BaseSmallStatement) and _has_fields(self._scopes[-1]):
            return True
        if not isinstance(node, cst.BaseSmallStatement):
            return False
        if not self._scopes and _private_names(node) - self._read_later:
            return True
        return not (
            isinstance(node, cst.Assign | cst.AnnAssign)
            and node.value is not None
            and not _is_of_the_import(node)
            and not any(isinstance(part, cst.Call | cst.Lambda) for part in _parts(node.value))
        )

    def _add(self, replaced: cst.CSTNode, changed: cst.CSTNode) -> None:
        place = self._range(replaced)
        functions = (n for n, scope in enumerate(self._scopes) if isinstance(scope, cst.FunctionDef))
        in_function = next(functions, None)
        if in_function is None and isinstance(changed, cst.Assign | cst.AnnAssign):
            return  # None for a table would fail at once
        start = self._offsets[place.start.line - 1] + place.start.column
        end = self._offsets[place.end.line - 1] + place.end.column
        was, now = self._text[start:end], self._module.code_for_node(changed)
        if was == now or place.start.line in self._equivalent:
            return
        function, first = "", 0
        if in_function is not None:
            outer = self._scopes[: in_function + 1]
            function = ".".join(scope.name.value for scope in outer)
            first = self._first_line(outer[-1])
        self.found.append(
            Mutant(
                path=self._path,
                line=place.start.line,
                last_line=place.end.line,
                function=function,
                first_line=first,
                start=start,
                end=end,
                was=was,
                now=now,
            )
        )

    def _first_line(self, node: cst.FunctionDef | cst.ClassDef) -> int:
        return min(self._range(part).start.line for part in (*node.decorators, node))


def _is_of_the_import(node: cst.Assign | cst.AnnAssign) -> bool:
    """`__slots__`, `__all__` and aliases of types: what the import makes of them can't be exchanged later."""
    targets = [target.target for target in node.targets] if isinstance(node, cst.Assign) else [node.target]
    named = any(isinstance(target, cst.Name) and target.value.startswith("__") for target in targets)
    is_union = isinstance(node.value, cst.BinaryOperation) and isinstance(node.value.operator, cst.BitOr)
    return named or is_union or isinstance(node.value, cst.Subscript)


def _private_names(node: cst.BaseSmallStatement) -> set[str]:
    """The names that an assignment binds and that no other module should read."""
    targets: list[cst.CSTNode] = []
    if isinstance(node, cst.Assign):
        targets = [target.target for target in node.targets]
    elif isinstance(node, cst.AnnAssign):
        targets = [node.target]
    names = {part.value for target in targets for part in _parts(target) if isinstance(part, cst.Name)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def _names_read_later(module: cst.Module) -> set[str]:
    """The names that functions read, and those of which the values of such names are made."""
    made_of: list[tuple[set[str], set[str]]] = []
    read: set[str] = set()
    for statement in module.body:
        for part in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Assign | cst.AnnAssign) and not _is_declaration(part.value):
                made_of.append((_private_names(part) or {""}, _names(part)))
        for node in _parts(statement):
            if isinstance(node, cst.FunctionDef | cst.Lambda):
                read |= _names(node)
    read.add("")  # a public name, which other modules may read
    for made, parts in reversed(made_of):
        if made & read:
            read |= parts
    return read


def _is_declaration(value: cst.BaseExpression | None) -> bool:
    """Whether a value is made by a call whose result can't be exchanged, such as the one of a command."""
    return isinstance(value, cst.Call) and _last_name(value) not in _PLAIN_VALUES


def _names(node: cst.CSTNode) -> set[str]:
    return {part.value for part in _parts(node) if isinstance(part, cst.Name)}


def _has_fields(scope: cst.FunctionDef | cst.ClassDef) -> bool:
    """Whether the import makes members or fields of the values in a class."""
    if not isinstance(scope, cst.ClassDef):
        return False
    made_by = [_last_name(base.value) for base in scope.bases]
    made_by += [_last_name(decorator.decorator) for decorator in scope.decorators]
    return any(name.endswith(("Enum", "NamedTuple", "Struct", "dataclass")) for name in made_by)


def _last_name(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Call):
        node = node.func
    if isinstance(node, cst.Attribute):
        node = node.attr
    return node.value if isinstance(node, cst.Name) else ""


def _parts(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _parts(child)


def mutants_of(path: Path, text: str | None = None) -> list[Mutant]:
    """All mutants of a file that compile, in the order of their lines."""
    text = path.read_text() if text is None else text
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    name = str(path.relative_to(ROOT)) if path.is_absolute() else str(path)
    finder = _Finder(name, text, wrapper.module)
    wrapper.visit(finder)
    found = sorted(set(finder.found), key=lambda mutant: (mutant.start, mutant.end, mutant.now))
    return [mutant for mutant in found if _compiles(mutant.apply(text))]


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def equivalent_lines(text: str) -> dict[int, str]:
    """The lines that are left alone, with the reason that their comment gives."""
    found = ((number, EQUIVALENT.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return {number: match[1] for number, match in found if match}


class Exchange:
    """Puts a mutant in the place of the code that runs here. Made once all modules are imported."""

    def __init__(self) -> None:
        self._functions: dict[str, list[FunctionType]] = defaultdict(list)
        self._caches: list[Any] = []
        gc.unfreeze()  # `get_objects` leaves out what the test run has frozen
        for each in gc.get_objects():
            # `type`, because `isinstance` asks what a proxy stands for, which may be gone.
            if type(each) is FunctionType:
                self._functions[each.__code__.co_filename].append(each)
            elif type(each) is functools._lru_cache_wrapper:
                code = getattr(each.__wrapped__, "__code__", None)
                file = "" if code is None else code.co_filename
                # The launcher of the tests' processes is kept: it does not come from the code.
                if file.startswith(str(ROOT)) and not file.startswith(str(ROOT / "tests" / "processes")):
                    self._caches.append(each)

    def functions_of(self, path: Path) -> list[FunctionType]:
        return self._functions[str(path)]

    def put(self, mutant: Mutant) -> None:
        """Raises NotReachedError when no function that exists has this code."""
        path = ROOT / mutant.path
        text = mutant.apply(path.read_text())
        if mutant.function:
            self._exchange(mutant, compile(text, str(path), "exec", dont_inherit=True))
        else:
            _assign(path, text)
        for cache in self._caches:
            cache.cache_clear()

    def _exchange(self, mutant: Mutant, code: CodeType) -> None:
        outer = next(
            (
                each
                for each in _codes(code)
                if each.co_firstlineno == mutant.first_line and each.co_qualname == mutant.function
            ),
            None,
        )
        if outer is None:
            raise NotReachedError("the function is not in the compiled code")
        changed = 0
        for new in (outer, *_codes(outer)):
            for function in self._functions[code.co_filename]:
                old = function.__code__
                if old.co_qualname != new.co_qualname or old.co_firstlineno < mutant.first_line:
                    continue
                if new is outer and old.co_firstlineno != mutant.first_line:
                    continue
                function.__code__ = _with_closure_of(old, new)
                changed += 1
        if not changed:
            raise NotReachedError("no such function exists")


def _with_closure_of(old: CodeType, new: CodeType) -> CodeType:
    """The new code with the closure of the old one, of which it may use nothing: `super()` is left out.

    A function takes only code with as many free names as it has.
    """
    if len(old.co_freevars) == len(new.co_freevars):
        return new
    if new.co_freevars:
        raise NotReachedError("its closure differs")
    return new.replace(co_freevars=old.co_freevars)


def _assign(path: Path, text: str) -> None:
    """Run the changed module in a namespace of its own, and copy the plain values that differ."""
    modules = [each for each in list(sys.modules.values()) if isinstance(each, ModuleType)]
    module = next((each for each in modules if getattr(each, "__file__", None) == str(path)), None)
    if module is None:
        raise NotReachedError("the module is not imported")
    changed = 0
    for name, new in _values(module, path, text).items():
        old = vars(module).get(name)
        if isinstance(new, type) and isinstance(old, type) and new.__module__ == module.__name__:
            changed += _copy_values(old, vars(new))
        elif _is_value(new) and _differs(old, new):
            for each in modules:
                if vars(each).get(name) is old:
                    setattr(each, name, new)
                    changed += 1
    if not changed:
        raise NotReachedError("no value differs")


def _values(module: ModuleType, path: Path, text: str) -> dict[str, Any]:
    """The names of the changed module.

    A module that registers handlers or commands can't run twice. Of such a one only the assignments run, one
    by one, and one that registers something fails and keeps its value.
    """
    space: dict[str, Any] = {name: getattr(module, name) for name in ("__name__", "__file__", "__package__")}
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), space)
    except Exception:
        space = dict(vars(module))
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                part = ast.Module([statement], type_ignores=[])
                with contextlib.suppress(Exception):
                    exec(compile(part, str(path), "exec", dont_inherit=True), space)
    return space


def _copy_values(old: type, names: Any) -> int:
    changed = 0
    for name, new in names.items():
        before = vars(old).get(name)
        if not name.startswith("__") and _is_value(new) and _is_value(before) and _differs(before, new):
            try:
                setattr(old, name, new)
            except (AttributeError, TypeError):
                continue
            changed += 1
    return changed


def _is_value(value: Any) -> bool:
    return (
        isinstance(value, int | float | str | bytes | tuple | frozenset | set | dict | list) or value is None
    )


def _differs(old: Any, new: Any) -> bool:
    try:
        return type(old) is not type(new) or bool(old != new)
    except Exception:  # a value that can't be compared is not a plain one
        return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
