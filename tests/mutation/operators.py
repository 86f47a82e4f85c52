"""Small changes of behaviour that a test should notice: the operators of mutmut, and three of our own.

mutmut's own run can't be used here: it leaves out every function with a decorator, which all handlers and
commands have, and starts pytest anew for every change, which takes seconds with Django. Its operators are
plain functions from a node to changed nodes, and are used as they are. Left out are those whose changes say
nothing about a rule: `None` for every argument, and the wording of sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import libcst as cst
from mutmut.mutation import mutators

_SINGLE = cst.Name | cst.Attribute | cst.Call | cst.Await | cst.NamedExpr | cst.Subscript
_NO_RULES = cst.Annotation | cst.Decorator | cst.Assert | cst.Parameters | cst.ImportFrom | cst.Import
LOGGERS = frozenset({"log", "logger", "LOG"})


def changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Yield the node, or a part of it, and a changed form that takes its place."""
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            for changed in operator(node):
                yield node, changed
    if isinstance(node, cst.If | cst.While | cst.CompIf) and isinstance(node.test, _SINGLE):
        yield node.test, _opposite(node.test)


def is_left_alone(node: cst.CSTNode) -> bool:
    """Whether a node and all below it are never changed.

    Annotations and decorators have no effect, or one at import; defaults are evaluated at import too. Lines
    of the log are proven by the tests of observability, and an `assert` is for the type checker.
    """
    if isinstance(node, cst.Expr):
        call = node.value
        return isinstance(call, cst.SimpleString | cst.ConcatenatedString) or _is_logging(call)
    return isinstance(node, _NO_RULES)


def _is_logging(node: cst.BaseExpression) -> bool:
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and isinstance(node.func.value, cst.Name)
        and node.func.value.value in LOGGERS
    )


def _name_in_quotes(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    """Another key, state or name. Texts with a space are sentences, and their wording is no rule."""
    text = node.evaluated_value
    if text and not any(mark.isspace() for mark in text if isinstance(mark, str)):
        yield from list(mutators.operator_string(node))[:1]


def _keyword_dropped(node: cst.Call) -> Iterator[cst.CSTNode]:
    """A call without one of its keyword arguments, such as a field that is not stored."""
    for changed in mutators.operator_arg_removal(node):
        if len(changed.args) < len(node.args):
            kept = {id(argument) for argument in changed.args}
            dropped = [argument for argument in node.args if id(argument) not in kept]
            if all(argument.keyword is not None for argument in dropped):
                yield changed


def _opposite(test: cst.BaseExpression) -> cst.BaseExpression:
    """The opposite of a condition that is a single value: all other conditions are changed in their parts."""
    if isinstance(test, cst.NamedExpr | cst.Await) and not test.lpar:
        test = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(cst.Not(), test)


def _assigned(node: cst.Assign | cst.AnnAssign) -> Iterator[cst.CSTNode]:
    """None for the value; False has True in its place already, and None would be as false."""
    if not (isinstance(node.value, cst.Name) and node.value.value == "False"):
        yield from mutators.operator_assignment(node)


def _statement_dropped(node: cst.Expr | cst.Raise) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Raise) or isinstance(node.value, cst.Call | cst.Await):
        yield cst.Pass()


def _nothing_returned(node: cst.Return) -> Iterator[cst.CSTNode]:
    """`return None`; a name that is True, False or None and a single number have an operator of their own."""
    value = node.value
    if value is None or isinstance(value, cst.BaseNumber | cst.SimpleString):
        return
    if isinstance(value, cst.Name) and value.value in {"True", "False", "None"}:
        return
    yield cst.Return(cst.Name("None"))


_OPERATORS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (cst.BaseNumber, mutators.operator_number),
    (cst.SimpleString, _name_in_quotes),
    (cst.Name, mutators.operator_name),
    (cst.Assign | cst.AnnAssign, _assigned),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.Call, mutators.operator_symmetric_string_methods_swap),
    (cst.Call, mutators.operator_unsymmetrical_string_methods_swap),
    (cst.Call, _keyword_dropped),
    (cst.Lambda, mutators.operator_lambda),
    (cst.Is | cst.IsNot | cst.In | cst.NotIn | cst.Break | cst.Continue, mutators.operator_keywords),
    (cst.CSTNode, mutators.operator_swap_op),
    (cst.IfExp, mutators.operator_if_exp),
    (cst.Expr | cst.Raise, _statement_dropped),
    (cst.Return, _nothing_returned),
)
