"""Recording: one line and one observation for each event and request, and nothing of a payload."""

from __future__ import annotations

import io
import json
import logging
import re
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from contract_service.flask_view import FlaskView, Problem, on, route
from contract_service.serving.process.logs import configure_logging
from contract_service.settings import Settings
from flask import Flask, abort, g, request
from flask_socketio import ConnectionRefusedError
from prometheus_client import REGISTRY
from socketio.exceptions import ConnectionError

from .conftest import sid_of, wait_until

SECRET = "hunter2"
logger = logging.getLogger("of.the.user")


class TaskView(FlaskView):
    def authorize(self, action: str) -> None:
        g.user = request.args.get("user") or None

    @route("run/<how>", methods=["GET", "POST"])
    @on("run")
    def run(self, how: str) -> str:
        match how:
            case "wrong":
                raise Problem(422, "It is wrong")
            case "later":
                abort(503)
            case "crash":
                raise ZeroDivisionError(SECRET)
            case "say":
                logger.info("said by the view")
            case "say in the background":
                self.spawn(logger.info, "said by the view")
        return "fine"

    def socket_connect(self, auth: Any) -> None:
        match auth:
            case "refuse":
                raise ConnectionRefusedError("No")
            case "abort":
                abort(401)
            case "crash":
                raise ZeroDivisionError(SECRET)
        g.user = uuid.UUID(int=7)

    def socket_disconnect(self) -> None:
        pass


class QuietView(FlaskView):
    log_level = logging.DEBUG

    @route("run/<how>")
    @on("run")
    def run(self, how: str) -> str:
        match how:
            case "later":
                abort(503)
            case "crash":
                raise ZeroDivisionError(SECRET)
        return "fine"


class PlainView(FlaskView):
    def socket_ping(self) -> None:
        pass


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [TaskView, QuietView, PlainView]


@pytest.fixture
def lines(app: Flask) -> Callable[[], list[str]]:
    """Return what returns the lines of the log, without their time and their logger."""
    stream = io.StringIO()
    (handler,) = (h for h in logging.getLogger().handlers if h.name == "stderr")
    handler.setStream(stream)
    # Other tests leave behind who looks for a broker that is gone, and the server of these tests
    # may take what a client says at the end of its websocket for the next request.
    handler.addFilter(lambda record: record.name not in ("socketio", "werkzeug"))
    start = re.compile(r"^[\d-]{10} [\d:]{8},\d{3} (\w+) \S+ ", re.MULTILINE)
    return lambda: start.sub(r"\1 ", stream.getvalue()).splitlines()


@pytest.fixture
def objects(app: Flask, settings: Settings) -> Callable[[], list[dict[str, Any]]]:
    """Return what returns the lines of the log, in JSON."""
    configure_logging(settings.model_copy(update={"log_format": "json"}))
    stream = io.StringIO()
    (handler,) = (h for h in logging.getLogger().handlers if h.name == "stderr")
    handler.setStream(stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


class Counter:
    """Counts what was observed since it was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self._sample = (f"{name}_duration_seconds_count", labels)
        self._before = self._total()

    def _total(self) -> float:
        return REGISTRY.get_sample_value(*self._sample) or 0

    def __call__(self) -> float:
        return self._total() - self._before


def events(view: str, event: str, outcome: str) -> Counter:
    return Counter("socketio_event", view=view, event=event, outcome=outcome)


def requests(view: str, method: str, status: str) -> Counter:
    return Counter("http_request", view=view, method=method, status=status)


def series() -> set[str]:
    """Return all series of the two histograms."""
    return {
        str(sample.labels)
        for metric in REGISTRY.collect()
        if metric.name.endswith("_duration_seconds")
        for sample in metric.samples
    }


@pytest.mark.parametrize(
    ("how", "outcome"),
    [("well", "ok"), ("wrong", "422"), ("later", "503"), ("crash", "500"), ({}, "422")],
)
def test_an_event_is_counted_by_its_outcome(connect, how, outcome) -> None:
    count = events("TaskView.run", "run", outcome)
    connect("/task").call("run", how)
    wait_until(lambda: count() == 1)


@pytest.mark.parametrize(
    ("how", "status"), [("well", "200"), ("wrong", "422"), ("later", "503"), ("crash", "500")]
)
def test_a_request_is_counted_by_its_status(client, how, status) -> None:
    count = requests("TaskView.run", "POST", status)
    client.post(f"/task/run/{how}")
    assert count() == 1


def test_how_long_it_took_is_added_up(client, connect) -> None:
    def total(name: str, **labels: str) -> float:
        labels["view"] = "TaskView.run"
        return REGISTRY.get_sample_value(f"{name}_duration_seconds_sum", labels) or 0

    def totals() -> tuple[float, float]:
        return (
            total("socketio_event", event="run", outcome="ok"),
            total("http_request", method="GET", status="200"),
        )

    event, request = totals()
    connect("/task").call("run", "well")
    client.get("/task/run/well")
    wait_until(lambda: totals()[0] > event)
    assert totals()[1] > request
    assert totals() < (event + 2, request + 2)


def test_what_nothing_answers_makes_no_new_numbers(client, connect) -> None:
    def knock(word: str) -> None:
        client.get(f"/{word}")
        client.open("/task/run/well", method=word.upper())
        task.call(word)
        with pytest.raises(Exception, match="no namespace"):
            connect(f"/{word}")

    task = connect("/task")
    count = events("no view", "unknown", "404")
    knock("one")
    wait_until(lambda: count() == 1)
    before = series()
    knock("two")
    wait_until(lambda: count() == 2)
    assert series() == before


@pytest.mark.parametrize(
    ("auth", "outcome"), [(None, "ok"), ("refuse", "refused"), ("abort", "401"), ("crash", "500")]
)
def test_a_connect_is_counted_and_has_one_line(connect, lines, auth, outcome) -> None:
    count = events("TaskView", "connect", outcome)
    with nullcontext() if outcome == "ok" else pytest.raises(ConnectionError):
        connect("/task", auth=auth)
    assert count() == 1
    (line,) = (line for line in lines() if "event 'connect'" in line)
    assert f"TaskView: event 'connect', {outcome}, " in line
    assert " sid=" in line


def test_the_default_namespace_has_lines_too(connect, lines) -> None:
    default = connect("/")
    sid = sid_of(default)
    default.disconnect()
    wait_until(lambda: len(lines()) == 2)
    for line, event in zip(lines(), ("connect", "disconnect"), strict=True):
        assert line.startswith(f"INFO no view in '/': event '{event}', ok, ")
        assert line.endswith(f" ms sid={sid}")


def test_views_without_a_connect_of_their_own_have_lines_too(connect, lines) -> None:
    connect("/plain").disconnect()
    wait_until(lambda: len(lines()) == 2)
    assert [line.split(", ")[0] for line in lines()] == [
        "INFO PlainView: event 'connect'",
        "INFO PlainView: event 'disconnect'",
    ]


def test_connections_are_counted(connect) -> None:
    def connections() -> float | None:
        return REGISTRY.get_sample_value("socketio_connections")

    assert connections() == 0
    one, _other = connect("/task"), connect("/task")
    assert connections() == 2
    one.disconnect()
    wait_until(lambda: connections() == 1)


def test_everything_has_one_line_with_sid_and_user_and_no_payload(connect, lines) -> None:
    task = connect("/task", auth={"token": SECRET})
    sid = f" ms sid={sid_of(task)}"
    who = f"{sid} user={uuid.UUID(int=7)}"
    task.call("run", "well")
    task.call("run", SECRET)
    task.call("run", {"password": SECRET})
    task.call("nope", SECRET)
    task.disconnect()
    wait_until(lambda: len(lines()) == 6)
    said = [
        ("TaskView: event 'connect', ok, ", who),
        ("TaskView.run: event 'run', ok, ", who),
        ("TaskView.run: event 'run', ok, ", who),
        ("TaskView.run: event 'run', 422, ", who),
        ("no view in '/task': event 'nope', 404, ", sid),
        ("TaskView: event 'disconnect', ok, ", who),
    ]
    for line, (start, end) in zip(lines(), said, strict=True):
        assert line.startswith(f"INFO {start}")
        assert line.endswith(end)
        assert SECRET not in line


def test_a_request_has_one_line_with_its_id_and_user_and_no_query(client, lines) -> None:
    response = client.post(f"/task/run/well?user=ada&token={SECRET}", json={"password": SECRET})
    (line,) = lines()
    assert line.startswith("INFO TaskView.run: POST /task/run/well, 200, ")
    assert line.endswith(f" ms request={response.headers['X-Request-ID']} user=ada")


def test_a_crash_has_one_line_and_its_traceback_behind_it(client, connect, lines) -> None:
    client.get("/task/run/crash")
    connect("/task").call("run", "crash")
    wait_until(lambda: sum(line.startswith("ZeroDivisionError") for line in lines()) == 2)
    first, second = (line for line in lines() if line.startswith("ERROR "))
    assert ", 500, " in first
    assert " request=" in first
    assert ", 500, " in second
    assert " sid=" in second
    assert sum(line.startswith("Traceback") for line in lines()) == 2


def test_what_is_the_servers_fault_is_a_warning(client, lines) -> None:
    client.get("/task/run/later")
    client.get("/task/run/wrong")
    assert [line.split()[0] for line in lines()] == ["WARNING", "INFO"]


def test_a_quiet_view_has_lines_about_crashes_only(client, connect, lines) -> None:
    client.get("/quiet/run/well")
    client.get("/quiet/run/later")
    client.get("/health/live")
    client.get("/metrics")
    connect("/quiet").call("run", "later")
    assert lines() == []
    client.get("/quiet/run/crash")
    assert lines()[0].startswith("ERROR QuietView.run: GET /quiet/run/crash, 500, ")


def test_in_json_everything_is_a_field(client, connect, objects) -> None:
    task = connect("/task")
    task.call("run", "well")
    response = client.get("/task/run/crash?user=ada")
    _connect, event, request = objects()
    assert event["duration_ms"] > 0
    assert {name: event[name] for name in ("view", "event", "outcome", "sid", "user")} == {
        "view": "TaskView.run",
        "event": "run",
        "outcome": "ok",
        "sid": sid_of(task),
        "user": str(uuid.UUID(int=7)),
    }
    names = ("view", "method", "path", "status", "request_id", "user", "problem")
    assert {name: request[name] for name in names} == {
        "view": "TaskView.run",
        "method": "GET",
        "path": "/task/run/crash",
        "status": 500,
        "request_id": response.headers["X-Request-ID"],
        "user": "ada",
        "problem": response.json["id"],
    }
    assert "ZeroDivisionError" in request["exc_info"]


@pytest.mark.parametrize("how", ["say", "say in the background"])
def test_lines_of_the_users_own_say_for_whom_they_are(client, connect, lines, how) -> None:
    def own() -> list[str]:
        return [line for line in lines() if "said by the view" in line]

    response = client.get(f"/task/run/{how}?user=ada")
    wait_until(lambda: len(own()) == 1)
    task = connect("/task")
    task.call("run", how)
    wait_until(lambda: len(own()) == 2)
    assert own() == [
        f"INFO said by the view request={response.headers['X-Request-ID']} user=ada",
        f"INFO said by the view sid={sid_of(task)} user={uuid.UUID(int=7)}",
    ]


@pytest.mark.parametrize(
    ("user", "said"),
    [("a b", "'a b'"), ("a\nINFO b", r"'a\nINFO b'"), ("x" * 101, "x" * 100), ("ä", "ä")],
)
def test_a_user_forges_no_line(client, lines, user, said) -> None:
    client.get("/task/run/well", query_string={"user": user})
    (line,) = lines()
    assert line.endswith(f" user={said}")


def test_a_user_that_is_no_id_is_not_told(app: Flask, client, lines) -> None:
    @app.before_request
    def set_user() -> None:
        g.user = {"name": "Ada", "password": SECRET}

    client.get("/echo")
    (line,) = lines()
    assert "user=" not in line


def test_a_path_forges_no_line(client, lines) -> None:
    client.get("/nope%0AERROR%20forged%1B[31m")
    client.get("/" + "x" * 1000)
    first, second = lines()
    assert first.startswith("INFO no view: GET /nope%0AERROR%20forged%1B%5B31m, 404, ")
    assert len(second) < 400


def test_the_name_of_an_event_forges_no_line(connect, lines) -> None:
    task = connect("/task")
    task.call("nope\nERROR forged" + "x" * 1000)
    _, line = lines()
    assert line.startswith(r"INFO no view in '/task': event 'nope\nERROR forgedx")
    assert len(line) < 400


@pytest.mark.parametrize(
    "path", ["/echo", "/nope", "/task/run/wrong", "/task/run/crash", "/health/live", "/metrics"]
)
def test_every_response_has_an_id_of_its_own(client, path) -> None:
    first, second = (client.get(path).headers.getlist("X-Request-ID") for _ in range(2))
    assert len(first) == len(second) == 1
    assert first != second


def test_a_response_to_a_failing_hook_has_an_id_and_is_counted(app: Flask, client) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.after_request
    def fail(response: Any) -> Any:
        raise ZeroDivisionError

    count = requests("EchoView.index", "GET", "500")
    response = client.get("/echo")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"]
    assert count() == 1


def test_the_id_of_a_proxy_is_kept(client, lines) -> None:
    response = client.get("/echo", headers={"X-Request-ID": "from-the.proxy:1"})
    assert response.headers["X-Request-ID"] == "from-the.proxy:1"
    assert lines()[0].endswith(" request=from-the.proxy:1")


@pytest.mark.parametrize("given", ["", "two words", "a user=root", "x" * 101, "ä", "a,b"])
def test_an_id_that_no_proxy_makes_is_replaced(client, given) -> None:
    response = client.get("/echo", headers={"X-Request-ID": given})
    assert uuid.UUID(hex=response.headers["X-Request-ID"])
