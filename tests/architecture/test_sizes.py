"""Small, and held small: a function is read at one glance, a module on a few screens."""

import ast
import re

from tests.architecture.sources import PACKAGE, python_files, relative, tree

FUNCTION_LINES = 60
MODULE_LINES = 600
BANNED_WORDS = {"utils", "util", "common", "helpers", "helper", "manager", "core", "misc"}


def test_functions_are_short():
    long = [
        f"{relative(path)}:{node.lineno} {node.name}: {lines} lines"
        for path in python_files("src", "tools", "tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_modules_are_short():
    files = python_files("src", "tools", "tests")
    assert [relative(path) for path in files if len(path.read_text(encoding="utf-8").splitlines()) > MODULE_LINES] == []


def test_no_name_says_nothing():
    named = [path for path in PACKAGE.rglob("*") if BANNED_WORDS & set(re.split(r"[_.]", path.name.lower()))]
    assert [relative(path) for path in named] == []


def test_no_class_is_named_for_nothing():
    classes = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in python_files("src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and BANNED_WORDS & set(re.findall("[a-z]+", re.sub("([A-Z])", r" \1", node.name).lower()))
    ]
    assert classes == []


def test_every_module_says_what_it_is_for():
    assert [relative(path) for path in python_files("src", "tools") if not ast.get_docstring(tree(path))] == []
