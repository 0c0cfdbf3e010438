# Owned by the template: an update may change this file.
"""The library that turns classes into routes, with the types that it does not ship itself."""

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
        trailing_slash: ClassVar[bool]

        @classmethod
        def register(cls, app: Any, **options: Any) -> None:
            """Add the routes of this class to an application."""

        @classmethod
        def build_rule(cls, rule: str, method: Any = None) -> str:
            """Return the URL rule of a method."""

        @classmethod
        def get_route_base(cls) -> str:
            """Return the path of this class, without the prefix."""

        @classmethod
        def parse_options(cls, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
            """Take subdomain and endpoint out of the options of a route."""

    def library_route(rule: str, **options: Any) -> Callable[[F], F]:
        """Mark a method with a URL rule."""
else:
    from .class_views import DecoratorCompatibilityError, LibraryView, library_route

__all__ = ["DecoratorCompatibilityError", "LibraryView", "library_route"]
