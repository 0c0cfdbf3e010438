# Owned by the template: an update may change this file.
"""Flask-Classful, under the names that this package uses. The only module that imports it."""

from flask_classful import DecoratorCompatibilityError
from flask_classful import FlaskView as LibraryView
from flask_classful import route as library_route

__all__ = ["DecoratorCompatibilityError", "LibraryView", "library_route"]
