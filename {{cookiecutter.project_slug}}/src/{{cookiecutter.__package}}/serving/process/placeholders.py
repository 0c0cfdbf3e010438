# Owned by the template: an update may change this file.
"""Placeholders for packages that a library imports, and that the service hardly ever uses.

Nothing is imported here that an asynchronous library would have to replace first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any


class _Placeholder(ModuleType):
    """Stands in for a package, which is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        _remove(self)
        return getattr(import_module(self.__name__), name)


@contextmanager
def placeholders(*packages: str) -> Iterator[None]:
    """Let libraries that are imported meanwhile get placeholders in place of packages.

    Whoever imports such a package afterwards gets the package itself.

    :param packages: their names; what is imported already, or not installed, is left alone.
    """
    spared = [n for n in packages if n not in sys.modules and PathFinder.find_spec(n)]
    with _in_place([_Placeholder(name) for name in spared]):
        yield


def until_used(*modules: str) -> None:
    """Let whoever imports modules from now on get placeholders, until something of them is used.

    :param modules: their names; what is imported already is left alone.
    """
    for name in modules:
        sys.modules.setdefault(name, _Placeholder(name))


@contextmanager
def postponed(**functions: str) -> Iterator[None]:
    """Let libraries that are imported meanwhile get functions without the modules they are in.

    Such a module is imported when its function is called. Whoever asks for something else of it
    gets the module itself, and so does everybody afterwards.

    :param functions: the names of functions, or of classes that are only called, and the modules
        they are in; what is imported already is left alone.
    """
    those = []
    for function, module in functions.items():
        if module not in sys.modules:
            placeholder = _Placeholder(module)
            vars(placeholder)[function] = _caller(module, function)
            # A statement that imports from a module asks for this first.
            placeholder.__path__ = []
            those.append(placeholder)
    with _in_place(those):
        yield


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Let libraries that are imported meanwhile go without a package, as if it was not installed.

    :param package: its name; if it is imported already, it is left alone.
    """
    if package in sys.modules:
        yield
        return
    # Python's way to say so: see "The module cache" in the reference of the language.
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def _in_place(those: list[_Placeholder]) -> Iterator[None]:
    sys.modules.update({each.__name__: each for each in those})
    try:
        yield
    finally:
        for placeholder in those:
            _remove(placeholder)


def _caller(module: str, function: str) -> Callable[..., Any]:
    """Return a function that imports another one and calls it."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), function)(*args, **kwargs)

    return call


def _remove(placeholder: ModuleType) -> None:
    if sys.modules.get(placeholder.__name__) is placeholder:
        del sys.modules[placeholder.__name__]
