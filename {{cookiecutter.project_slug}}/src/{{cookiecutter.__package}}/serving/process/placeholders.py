# Owned by the template: an update may change this file.
"""Placeholders for packages that a library imports, and that the service hardly ever uses.

Nothing is imported here that an asynchronous library would have to replace first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
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
    those = [_Placeholder(name) for name in spared]
    sys.modules.update(zip(spared, those, strict=True))
    try:
        yield
    finally:
        for placeholder in those:
            _remove(placeholder)


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


def _remove(placeholder: ModuleType) -> None:
    if sys.modules.get(placeholder.__name__) is placeholder:
        del sys.modules[placeholder.__name__]
