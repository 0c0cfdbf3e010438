# Owned by the template: an update may change this file.
"""What arrives at clients is checked against what the views declare to send."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from {{ cookiecutter.__package }}.flask_view.handling import (
    promises,
)
from {{ cookiecutter.__package }}.flask_view.registration import (
    views,
)

from .matching import unpacked

Promises = promises.Promises
_Event = tuple[Promises, str, tuple[Any, ...]]


class Watch:
    """Remembers what has arrived at clients although no view declares to send it."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        """Watch the views of an application, for as long as the patch lasts.

        :param app: the application.
        :param monkeypatch: what undoes, at the end of the test, what is done here.
        """
        self._app = app
        self._broken: list[str] = []
        self._kept: list[_Event] = []
        self._objection = Promises.objection

        def objection(
            declared: Promises, event: str, arguments: tuple[Any, ...], payload: tuple[Any, ...]
        ) -> str:
            found = self._objection(declared, event, arguments, payload)
            if not found:
                self._kept.append((declared, event, payload))
            return found

        monkeypatch.setattr(Promises, "objection", objection)

    def arrived(self, namespace: str, event: str, arguments: tuple[Any, ...]) -> None:
        """Check an event that has reached a client.

        Where a view of the namespace does not say what it sends, anything may arrive.
        """
        objections = []
        for declared in views.promises_in(self._app, namespace):
            objection = self._objection(declared, event, arguments, arguments)
            # A model may write itself in a way that it would not read, but was sent as one.
            if not objection or (declared, event, arguments) in self._kept:
                return
            objections.append(f"\n  {declared.view}: {objection}")
        if objections:
            self._broken.append(
                f"{event!r} came in {namespace}, which no view declares to send like this: "
                f"{unpacked(arguments)!r}{''.join(objections)}"
            )

    def check(self) -> None:
        """Fail once for what has arrived.

        :raises AssertionError: with namespace, event and payload, and what each view declares.
        """
        __tracebackhide__ = True
        broken = self._broken[:]
        # Meanwhile, more may arrive.
        del self._broken[: len(broken)]
        if broken:
            raise AssertionError("\n".join(broken))

    @property
    def is_broken(self) -> bool:
        """Whether ``check`` would fail."""
        return bool(self._broken)
