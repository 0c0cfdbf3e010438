"""Failures: one problem object, at once, on both transports, and the connection stays."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.flask_view import FlaskView, Problem, on, route
from flask import Flask, abort, got_request_exception
from pydantic import BaseModel

SECRET = "hunter2"


class Model(BaseModel):
    value: int


class FailingView(FlaskView):
    @route("fail/<how>")
    @on("fail")
    def fail(self, how: str) -> Any:
        match how:
            case "abort":
                abort(404, "There is no such thing")
            case "retry":
                raise Problem(503, "Come back later", title="Busy", retry=True)
            case "problem":
                raise Problem(409, "The name is taken", title="Taken", name="x")
            case "crash":
                raise ZeroDivisionError(SECRET)
            case "own-validation":
                Model.model_validate({"value": SECRET})
            case "unserialisable":
                return {"value": object()}
            case "circular":
                circular: list[Any] = []
                circular.append(circular)
                return circular
        return "fine"

    @route("model", methods=["POST"])
    def model(self, model: Model):
        return model


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [FailingView]


@pytest.mark.parametrize(
    ("how", "status", "title", "detail"),
    [
        ("abort", 404, "Not Found", "There is no such thing"),
        ("retry", 503, "Busy", "Come back later"),
        ("problem", 409, "Taken", "The name is taken"),
    ],
)
def test_an_exception_of_http_is_the_same_problem_on_both(
    client, connect, how, status, title, detail
) -> None:
    response = client.get(f"/failing/fail/{how}")
    problem = response.json
    assert response.status_code == problem["status"] == status
    assert response.mimetype == "application/problem+json"
    assert (problem["type"], problem["title"], problem["detail"]) == ("about:blank", title, detail)
    assert connect("/failing").call("fail", how) == {"error": problem}


@pytest.mark.parametrize("how", ["crash", "own-validation", "unserialisable", "circular"])
def test_a_crash_is_answered_with_an_id_and_no_details(client, connect, caplog, how) -> None:
    failing = connect("/failing")
    for problem in (client.get(f"/failing/fail/{how}").json, failing.call("fail", how)["error"]):
        assert problem["status"] == 500
        assert SECRET not in str(problem)
        assert "traceback" not in problem
        [record] = [r for r in caplog.records if problem["id"] in r.getMessage()]
        assert record.exc_info
        assert "FailingView.fail: " in record.getMessage()
        assert " ms" in record.getMessage()
    assert failing.call("fail", "not") == "fine"


def test_details_are_told_in_debug(app: Flask, client, connect) -> None:
    app.debug = True
    problem = connect("/failing").call("fail", "crash")["error"]
    assert problem["detail"] == f"ZeroDivisionError: {SECRET}"
    assert "raise ZeroDivisionError" in problem["traceback"]
    assert client.get("/failing/fail/crash").json["detail"] == problem["detail"]


def test_monitors_hear_of_crashes_and_of_nothing_else(app: Flask, client, connect) -> None:
    heard: list[BaseException] = []

    def hear(sender: Flask, exception: BaseException, **_: Any) -> None:
        heard.append(exception)

    with got_request_exception.connected_to(hear, app):
        client.get("/failing/fail/crash")
        connect("/failing").call("fail", "crash")
        client.get("/failing/fail/abort")
    assert [type(error) for error in heard] == [ZeroDivisionError, ZeroDivisionError]


def test_unknown_events_and_namespaces_are_answered(connect) -> None:
    assert connect("/failing").call("nope", 1)["error"]["status"] == 404
    with pytest.raises(Exception, match="There is no namespace /nope"):
        connect("/nope")
    assert connect("/").call("nope")["error"]["status"] == 404


def test_urls_that_nothing_answers_are_problems_too(client) -> None:
    missing, refused = client.get("/nope"), client.post("/failing/fail/x")
    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    assert (refused.status_code, refused.json["title"]) == (405, "Method Not Allowed")
    assert "GET" in refused.headers["Allow"]


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (416, "Range Not Satisfiable"),
        (422, "Unprocessable Content"),
        (429, "Too Many Requests"),
    ],
)
def test_the_title_of_a_status_is_that_of_its_rfc_on_every_python(status, title) -> None:
    assert Problem(status, "It is wrong").document["title"] == title


def test_a_body_over_the_limit_is_a_problem(app: Flask, client) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10
    response = client.post("/failing/model", json={"value": 1234567})
    assert (response.status_code, response.json["title"]) == (413, "Content Too Large")
