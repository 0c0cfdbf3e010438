# Owned by the template: an update may change this file.
"""Docstrings: what they say of a method, of its parameters, and of what can go wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

from werkzeug import exceptions

from .structure import Error

_FIELD = re.compile(r"^:(\w+)(?: ([^:\n]+))?: *", re.MULTILINE)
_STATUS = re.compile(r"\b([45]\d\d)\b[,:]? *([^;]*)")


def text_of(documented: Any) -> str:
    """Return the docstring of a class or a method, without its fields."""
    text = inspect.cleandoc(documented.__doc__ or "")
    field = _FIELD.search(text)
    return text[: field.start()].strip() if field else text


def parameters_of(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the docstring of a function says of its parameters, by their names."""
    return {name: text for field, name, text in _fields(function) if field == "param"}


def errors_of(function: Callable[..., Any]) -> Iterator[Error]:
    """Yield the problems that the docstring of a function names.

    ``:raises NotFound: there is no such room`` is one, and so is each part of
    ``:raises Problem: 409, the name is taken; 503, the connection has ended``.

    :param function: the function, whose module knows the exceptions by these names.
    """
    known = vars(exceptions) | getattr(inspect.unwrap(function), "__globals__", {})
    for field, name, text in _fields(function):
        if field not in ("raises", "raise"):
            continue
        status = getattr(known.get(name.rpartition(".")[2]), "code", None)
        if status:
            yield Error(status, text.rstrip("."))
        else:
            for number, detail in _STATUS.findall(text):
                yield Error(int(number), detail.strip().rstrip("."))


def _fields(function: Callable[..., Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the fields of a docstring: the kind, the name and the text of each."""
    text = inspect.cleandoc(function.__doc__ or "")
    found = list(_FIELD.finditer(text))
    for field, following in zip_longest(found, found[1:]):
        end = following.start() if following else len(text)
        yield field[1], field[2] or "", " ".join(text[field.end() : end].split())
