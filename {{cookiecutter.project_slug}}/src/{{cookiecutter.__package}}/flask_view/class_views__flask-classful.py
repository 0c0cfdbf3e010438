# Owned by the template: an update may change this file.
"""Flask-Classful, under the names that this package uses. No other module imports it."""

from flask_classful import DecoratorCompatibilityError
from flask_classful import FlaskView as LibraryView
from flask_classful import route as library_route

SLASH_ALWAYS = True

__all__ = ["SLASH_ALWAYS", "DecoratorCompatibilityError", "LibraryView", "library_route"]
