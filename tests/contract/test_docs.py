"""The addresses below /docs: who may see them, and what they let a browser do."""

from __future__ import annotations

import pytest
from contract_service.settings import Settings
from flask import abort

DOCUMENTS = ["contract.json", "openapi.json", "asyncapi.json", "types.ts"]
EVERYTHING = [
    "",
    *(f"/{name}" for name in (*DOCUMENTS, "about.json", "numbers.json", "static/page.css")),
]


def production(monkeypatch, **settings: str) -> Settings:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


@pytest.mark.parametrize("path", EVERYTHING)
def test_in_development_everybody_may_see_everything(client, path):
    assert client.get(f"/docs{path}").status_code == 200


def test_it_cannot_be_framed_and_loads_nothing_from_elsewhere(client):
    for path in EVERYTHING:
        headers = client.get(f"/docs{path}").headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= {*policy}
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_has_already_is_not_sent_again(client):
    etag = client.get("/docs/contract.json").headers["ETag"]

    assert client.get("/docs/contract.json", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("name", ["../view.py", "%2e%2e/view.py", "nothing.js"])
def test_nothing_but_its_own_files_is_there(client, name):
    assert client.get(f"/docs/static/{name}").status_code == 404


class TestWhereItIsTurnedOff:
    @pytest.fixture
    def settings(self, monkeypatch) -> Settings:
        monkeypatch.setenv("DOCS", "false")
        return Settings.load()

    @pytest.mark.parametrize("path", ["/docs", "/docs/contract.json"])
    def test_there_is_nothing_in_development_either(self, client, path):
        assert client.get(path).status_code == 404


class TestInProduction:
    @pytest.fixture
    def settings(self, monkeypatch) -> Settings:
        return production(monkeypatch)

    @pytest.mark.parametrize("path", [*EVERYTHING, "/nothing"])
    def test_there_is_nothing(self, client, path):
        assert client.get(f"/docs{path}").status_code == 404


class TestInProductionWithTheSetting:
    @pytest.fixture
    def settings(self, monkeypatch) -> Settings:
        return production(monkeypatch, DOCS="true")

    @pytest.mark.parametrize("path", EVERYTHING)
    def test_nobody_may_see_anything_until_the_service_says_who(self, client, path):
        response = client.get(f"/docs{path}")

        assert response.status_code == 403
        assert "DOCS_AUTHORIZE" in response.json["detail"]

    @pytest.mark.parametrize("path", EVERYTHING)
    def test_the_function_of_the_service_refuses(self, app, client, path):
        app.config["DOCS_AUTHORIZE"] = lambda: abort(401)

        assert client.get(f"/docs{path}").status_code == 401

    def test_the_function_of_the_service_lets_in(self, app, client):
        app.config["DOCS_AUTHORIZE"] = lambda: None

        for name in DOCUMENTS:
            assert client.get(f"/docs/{name}").status_code == 200
        assert client.get("/docs/about.json").json is None
        assert client.get("/docs/numbers.json").status_code == 404
