"""Small changes of a module's source, each of which a test must notice, and a run of tests against one of them."""

from __future__ import annotations

import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    """One change of a module: ``name`` says in which function and what, ``source`` is the whole changed module."""

    name: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module.

    A comparison turned, ``and`` and ``or`` swapped, one check of a tuple of checks left out, one condition of an
    ``if`` held to be true or false, one entry of a mapping or a set left out, one function of sentences that returns
    none. Two mutants of one name are told apart by a number.
    """
    tree = ast.parse(source)
    names: Counter[str] = Counter()
    for node, function in _nodes(tree, "module"):
        for what, change in list(_changes(node)):  # before the first change: a change takes members away
            undo = copy.deepcopy(node.__dict__)
            change(node)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            node.__dict__.update(undo)
            name = f"{function}: {what}"
            names[name] += 1
            yield Mutant(name if names[name] == 1 else f"{name} ({names[name]})", changed)


def _nodes(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield every node with the name of the function that it stands in."""
    inside = node.name if isinstance(node, ast.FunctionDef) else function
    yield node, inside
    for child in ast.iter_child_nodes(node):
        yield from _nodes(child, inside)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in _SWAPPED:
                yield f"turn {ast.unparse(node)} ({place})", lambda n, p=place: _turn(n, p)
    elif isinstance(node, ast.BoolOp):
        yield f"swap and/or in {ast.unparse(node)}", _swap
    elif isinstance(node, ast.IfExp | ast.If):
        for value in (True, False):
            yield f"hold {ast.unparse(node.test)} to be {value}", lambda n, v=value: _hold(n, v)
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and all(_is_check(each) for each in node.elts):
        for place, check in enumerate(node.elts):
            yield f"leave out {ast.unparse(check)}", lambda n, p=place: n.elts.pop(p)
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place, key in enumerate(node.keys):
            yield f"leave out {ast.unparse(key) if key else '**'}", lambda n, p=place: _drop(n, p)
    elif isinstance(node, ast.Set) and len(node.elts) > 1:
        for place, member in enumerate(node.elts):
            yield f"leave out {ast.unparse(member)}", lambda n, p=place: n.elts.pop(p)
    elif isinstance(node, ast.Return) and _says_something(node.value):
        yield f"return nothing in the place of {ast.unparse(node)}", _nothing


def _says_something(value: ast.expr | None) -> bool:
    """Whether a function returns sentences that it has computed."""
    return isinstance(value, ast.Call | ast.ListComp | ast.BinOp) or (
        isinstance(value, ast.List) and bool(value.elts)
    )


def _is_check(node: ast.expr) -> bool:
    """Whether it is a pair of a condition and its sentence, or such pairs unpacked."""
    return isinstance(node, ast.Starred) or (isinstance(node, ast.Tuple) and len(node.elts) == 2)


def _turn(node: ast.Compare, place: int) -> None:
    node.ops[place] = _SWAPPED[type(node.ops[place])]()


def _swap(node: ast.BoolOp) -> None:
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


def _hold(node: ast.IfExp | ast.If, value: bool) -> None:
    node.test = ast.Constant(value)


def _drop(node: ast.Dict, place: int) -> None:
    node.keys.pop(place)
    node.values.pop(place)


def _nothing(node: ast.Return) -> None:
    node.value = (
        ast.Call(ast.Name("type", ast.Load()), [], []) if node.value is None else ast.List([], ast.Load())
    )


class _Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a source that is given."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=f"{name} (mutant)")

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, f"{self.module} (mutant)", "exec"), module.__dict__)


def survivors(module: str, tests: Sequence[str], *, alone: bool, every: int = 1) -> list[str]:
    """Return the names of the mutants of a module that these tests do not notice.

    Must run in a process that has imported neither the module nor anything that imports it.

    Parameters
    ----------
    tests : files, run with each mutant in the module's place until the first failure.
    alone : whether the tests need no ``conftest.py``.
    every : only each such mutant is tried.
    """
    origin = importlib.util.find_spec(module)
    assert origin is not None, f"{module} is not there"
    assert origin.origin is not None, f"{module} has no source"
    source = Path(origin.origin).read_text(encoding="utf-8")
    options = [*(["--noconftest"] if alone else []), *tests]
    assert not is_killed(module, Mutant("nothing changed", source), options), (
        "the tests fail without a mutant"
    )
    return [
        mutant.name for mutant in list(mutants(source))[::every] if not is_killed(module, mutant, options)
    ]


def is_killed(module: str, mutant: Mutant, arguments: Sequence[str]) -> bool:
    """Whether a test fails with the mutant in the module's place; in a process of its own, which is forked."""
    assert module not in sys.modules, f"{module} is imported already; its mutants would not be seen"
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            sys.meta_path.insert(0, _Replaced(module, mutant.source))
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            quiet = [
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                "-W",
                "ignore",
                "-k",
                "not postgres",
            ]
            code = int(pytest.main([*quiet, *arguments]))
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) != 0


if __name__ == "__main__":
    _, name_of_module, with_conftest, step, *files = sys.argv
    # Each mutant's run would look for plugins anew and import them: a third of its time, and none is needed.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # A mutant is noticed by what a test says, not by how busy the machine is.
    settings.register_profile("no hurry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("no hurry")
    for each in ("cjp_fraud.review.model", "cjp_fraud.review.grounds", "cjp_fraud.suspension.chronology"):
        importlib.import_module(each)
    left = survivors(name_of_module, files, alone=with_conftest == "alone", every=int(step))
    sys.stdout.write(json.dumps(left))
