# Owned by the template: an update may change this file.
"""The library whose conventions give views their URLs, with the types that it does not ship."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    F = TypeVar("F", bound=Callable[..., Any])

    class DecoratorCompatibilityError(Exception):
        """A decorator hides the arguments of the method that it wraps."""

    class LibraryView:
        """The library's base class, as far as this package uses it."""

        decorators: ClassVar[list[Callable[..., Any]]]
        route_base: ClassVar[str | None]
        route_prefix: ClassVar[str | None]

        @classmethod
        def get_route_base(cls) -> str:
            """Return the path of this class, without the prefix; note its variables."""

        @classmethod
        def build_rule(cls, rule: str) -> str:
            """Return a path below the prefix and the path of this class."""

        @classmethod
        def build_route_name(cls, method_name: str) -> str:
            """Return the endpoint of a method."""

    def library_route(rule: str, **options: Any) -> Callable[[F], F]:
        """Give a method a URL rule."""

    SLASH_ALWAYS: bool
    """Whether ``trailing_slash`` holds for paths that end in a variable, too."""
else:
    from .class_views import SLASH_ALWAYS, DecoratorCompatibilityError, LibraryView, library_route

__all__ = ["SLASH_ALWAYS", "DecoratorCompatibilityError", "LibraryView", "library_route"]
