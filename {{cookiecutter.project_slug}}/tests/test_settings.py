"""Starting with settings that are missing or wrong, and the list of them all."""

import re
from pathlib import Path

import pytest

from {{ cookiecutter.__package }}.serving import settings
from {{ cookiecutter.__package }}.settings import Settings


def test_production_does_not_start_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")

    with pytest.raises(settings.SettingsError, match="SECRET_KEY must have at least 32"):
        Settings.load()


def test_a_wrong_value_is_named_with_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_CONNECTIONS", "none")

    with pytest.raises(settings.SettingsError) as refused:
        Settings.load()

    assert str(refused.value).startswith("MAX_CONNECTIONS='none': Input should be a valid integer")


def test_in_development_the_secret_is_made_and_kept() -> None:
    first = Settings.load()
    second = Settings.load()

    assert first.secret_key.get_secret_value() == second.secret_key.get_secret_value() != ""


def test_every_setting_is_in_the_example() -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"(?m)^(?:# )?([A-Z0-9_]+)=", example))
    assert {name.upper() for name in Settings.model_fields} - named == set()
