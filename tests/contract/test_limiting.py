"""Limiting: how often methods may be called, over both transports together."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.contract import asyncapi, openapi
from contract_service.contract.reading import contract_of
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, RegistrationError, limit, on, route
from contract_service.flask_view.handling.limiting import WINDOWS, Windows
from contract_service.settings import Settings
from flask import Blueprint, Flask, g, request

from .conftest import Clock

HERE, THERE = "192.0.2.7", "192.0.2.8"
PROBLEM = {"type": "about:blank", "title": "Too Many Requests", "status": 429}


@pytest.fixture
def clock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("contract_service.flask_view.handling.limiting.time.monotonic", clock)
    return clock


def key() -> str | None:
    return request.headers.get("X-Key")


class LimitsView(FlaskView):
    """Answers at /limits; whoever says so is a user."""

    def authorize(self, action: str) -> None:
        if action != "connect":
            g.user = request.headers.get("X-User")
        if request.headers.get("X-Banned"):
            raise PermissionError

    @route(methods=["GET"])
    def free(self) -> str:
        return "free"

    @limit("2/second")
    @route("both/<int:number>", methods=["GET"])
    @on("both")
    def both(self, number: int) -> int:
        return number

    @route(methods=["GET"])
    @on("other")
    @limit("3/10 seconds", "5/minute")
    def several(self) -> str:
        return "several"

    @limit("1/minute", by="address")
    @route(methods=["GET"])
    def address(self) -> str:
        return "address"

    @route(methods=["GET"])
    @limit("1/minute", by=key)
    @limit("3/minute", by="address")
    def keyed(self) -> str:
        return "keyed"

    @limit("2/minute")
    def socket_only(self, number: int) -> int:
        return number


class _BaseView(FlaskView):
    @limit("1/minute")
    def index(self) -> str:
        return "base"


class PlainView(_BaseView):
    """Answers at /plain, with the limit of its base."""


class OverriddenView(_BaseView):
    """Answers at /overridden, with the limit of its base."""

    def index(self) -> str:
        return "mine"


class LooserView(_BaseView):
    """Answers at /looser, with a limit of its own."""

    @limit("2/minute")
    def index(self) -> str:
        return "looser"


class WholeView(FlaskView):
    """Answers at /whole, with a budget for all of its methods."""

    limits = ("3/minute",)

    def index(self) -> str:
        return "index"

    @limit("1/second")
    @on("say")
    def say(self) -> str:
        return "said"

    def socket_connect(self) -> None:
        """Come."""

    def socket_disconnect(self) -> None:
        """Go."""


class DoorView(FlaskView):
    """Lets in one client a minute."""

    @limit("1/minute", by="address")
    def socket_connect(self, auth: dict[str, int]) -> None:
        """Come."""


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [LimitsView, PlainView, OverriddenView, LooserView, WholeView, DoorView]


def get(app: Flask, path: str, address: str = HERE, **headers: str) -> Any:
    return app.test_client().get(path, environ_overrides={"REMOTE_ADDR": address}, headers=headers)


def statuses(app: Flask, path: str, count: int, address: str = HERE, **headers: str) -> list[int]:
    return [get(app, path, address, **headers).status_code for _ in range(count)]


def test_one_too_many_is_refused_and_told_when_to_come_again(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/both/1", 2) == [200, 200]
    refused = get(app, "/limits/both/1")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.get_json() == PROBLEM | {
        "detail": "Too many: at most 2 per second, by user. Try again in 1 s.",
        "retry_after": 1,
    }


def test_who_comes_again_when_told_is_let_in_and_not_before(app: Flask, clock: Clock) -> None:
    for second in (0, 3, 4):
        clock.now += second
        assert get(app, "/limits/several").status_code == 200
    clock.now += 0.5
    assert get(app, "/limits/several").get_json()["retry_after"] == 3
    clock.now += 2.49
    assert get(app, "/limits/several").get_json()["retry_after"] == 1
    clock.now += 0.01
    assert statuses(app, "/limits/several", 2) == [200, 429]


def test_no_part_of_time_of_that_length_sees_more(app: Flask, clock: Clock) -> None:
    let_in = []
    for _ in range(400):
        if get(app, "/limits/both/1").status_code == 200:
            let_in.append(clock.now)
        clock.now += 0.07
    assert len(let_in) > 50
    assert all(later - first >= 1 for first, later in zip(let_in, let_in[2:], strict=False))


def test_a_call_that_one_limit_refuses_does_not_use_up_another(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/several", 9) == [200] * 3 + [429] * 6
    clock.now += 10
    assert statuses(app, "/limits/several", 3) == [200, 200, 429]
    assert get(app, "/limits/several").get_json()["retry_after"] == 50


def test_requests_and_events_share_a_budget(app: Flask, clock: Clock, connect: Any) -> None:
    ada = {"X-User": "ada"}
    client = connect("/limits", headers=ada)
    assert client.call("both", 1) == 1
    assert get(app, "/limits/both/1", THERE, **ada).status_code == 200
    assert client.call("both", 1)["error"] == get(app, "/limits/both/1", **ada).get_json()
    assert client.call("both", 1)["error"]["retry_after"] == 1
    assert connect("/limits", headers={"X-User": "bob"}).call("both", 1) == 1
    clock.now += 1
    assert client.call("both", 1) == 1


def test_who_has_no_name_is_counted_by_address(app: Flask, clock: Clock, connect: Any) -> None:
    client, other = connect("/limits"), connect("/limits")
    assert [client.call("only", 1), other.call("only", 2)] == [1, 2]
    assert client.call("only", 1)["error"]["status"] == 429
    assert statuses(app, "/limits/both/1", 3) == [200, 200, 429]
    assert statuses(app, "/limits/both/1", 1, THERE) == [200]
    assert statuses(app, "/limits/both/1", 1, **{"X-User": "ada"}) == [200]


def test_an_address_is_one_whoever_comes_from_it(app: Flask, clock: Clock) -> None:
    for user, expected in (("ada", 200), ("bob", 429)):
        assert statuses(app, "/limits/address", 1, **{"X-User": user}) == [expected]
    assert statuses(app, "/limits/address", 1, THERE) == [200]
    for host, expected in (("2001:db8:1:2::3", 200), ("2001:db8:1:2:9::4", 429)):
        assert statuses(app, "/limits/address", 1, host) == [expected]


def test_a_function_says_what_to_count_by(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/keyed", 2, **{"X-Key": "a"}) == [200, 429]
    assert statuses(app, "/limits/keyed", 2, **{"X-Key": "b" * 5_000}) == [200, 429]
    assert statuses(app, "/limits/keyed", 2) == [200, 429]
    assert statuses(app, "/limits/keyed", 1, **{"X-Key": "c"}) == [429]
    assert statuses(app, "/limits/keyed", 1, THERE) == [200]


def test_limits_come_after_authorize_and_before_the_arguments(
    app: Flask, clock: Clock, connect: Any
) -> None:
    client = connect("/limits")
    assert [client.call("only", "x")["error"]["status"] for _ in range(3)] == [422, 422, 429]
    assert statuses(app, "/limits/address", 2, **{"X-Banned": "1"}) == [500, 500]
    assert statuses(app, "/limits/address", 1) == [200]


def test_what_has_no_limit_is_not_counted(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/free", 20) == [200] * 20
    assert not app.extensions[WINDOWS]._calls


def test_a_method_keeps_the_limit_of_the_one_that_it_overrides(app: Flask, clock: Clock) -> None:
    for path, most in (("/plain", 1), ("/overridden", 1), ("/looser", 2)):
        assert statuses(app, path, most + 1) == [200] * most + [429]


def test_the_limits_of_a_class_are_one_budget_for_all_methods(
    app: Flask, clock: Clock, connect: Any
) -> None:
    for _ in range(5):
        connect("/whole").disconnect()
    client = connect("/whole")
    here = "127.0.0.1"
    assert client.call("say") == "said"
    # The limit of the method refuses, and the budget of the class is as it was.
    assert client.call("say")["error"]["retry_after"] == 1
    assert statuses(app, "/whole", 2, here) == [200, 200]
    clock.now += 1
    assert client.call("say")["error"]["retry_after"] == 59
    assert get(app, "/whole", here).get_json()["detail"] == (
        "Too many: at most 3 per minute for the whole view, by user. Try again in 59 s."
    )


def test_a_client_that_connects_too_often_is_refused(
    app: Flask, clock: Clock, connect: Any, refused: Any
) -> None:
    connect("/door", auth={"n": 1})
    problem = refused("/door", auth="not even valid")
    assert (problem["status"], problem["retry_after"]) == (429, 60)
    clock.now += 60
    connect("/door", auth={"n": 1})


def test_who_has_not_called_for_long_is_forgotten(clock: Clock) -> None:
    windows = Windows()
    for number in range(1_000):
        assert windows.take([(f"short {number}", 5, 1), (f"long {number}", 5, 60)]) == 0
    assert len(windows._calls) == 2_000
    clock.now += 1
    for _ in range(1_001):
        assert windows.take([("own", 10_000, 1)]) == 0
    assert len(windows._calls) == 1_001
    clock.now += 60
    for _ in range(501):
        assert windows.take([("own", 10_000, 1)]) == 0
    assert list(windows._calls) == ["own"]


def test_the_memory_of_one_process_is_bounded(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contract_service.flask_view.handling.limiting._MOST_KEYS", 100)
    windows = Windows()
    for number in range(1_000):
        windows.take([(f"{number}", 2, 60)])
        assert windows.take([(f"{number}", 2, 60)]) == 0
        assert windows.take([(f"{number}", 2, 60)]) == 60
    assert len(windows._calls) <= 100


def limited(*texts: Any, **options: Any) -> type[FlaskView]:
    class WrongView(FlaskView):
        @limit(*texts, **options)
        def index(self) -> str:
            return ""

    return WrongView


@pytest.mark.parametrize(
    "text",
    [
        "5/fortnight",
        "five a second",
        "5",
        "",
        "0/second",
        "10001/day",
        "2/2 years",
        "1/s;2/m",
        "-1/s",
    ],
)
def test_what_is_no_limit_stops_the_start(app: Flask, text: str) -> None:
    with pytest.raises(RegistrationError) as error:
        limited(text).register(app)
    assert f"WrongView.index, @limit: {text!r} is no limit" in str(error.value)
    assert '"5/second"' in str(error.value)
    assert not any(rule.rule == "/wrong" for rule in app.url_map.iter_rules())


@pytest.mark.parametrize("limits", ["5/second", ("5/fortnight",), (5,), 5])
def test_limits_of_a_class_that_are_none_stop_the_start(app: Flask, limits: Any) -> None:
    class WrongView(FlaskView):
        def index(self) -> str:
            return ""

    WrongView.limits = limits
    with pytest.raises(RegistrationError, match=r'WrongView\.limits.*"5/second"'):
        WrongView.register(app)


@pytest.mark.parametrize(
    ("texts", "options"), [((), {}), ((5,), {}), (("5/second",), {"by": "sid"})]
)
def test_a_limit_without_what_it_needs_is_no_decorator(texts: Any, options: Any) -> None:
    with pytest.raises(ValueError, match="@limit"):
        limited(*texts, **options)


class LeavingView(FlaskView):
    @limit("1/second")
    def socket_disconnect(self) -> None:
        """Go."""


class HelpingView(FlaskView):
    @limit("1/second")
    def _help(self) -> None:
        """Help."""


class GuardingView(FlaskView):
    @limit("1/second")
    def authorize(self, action: str) -> None:
        """Let everybody in."""


class HidingView(FlaskView):
    def hides(function: Any) -> Any:  # noqa: N805
        return lambda self: function(self)

    @hides
    @limit("1/second")
    def index(self) -> str:
        return ""

    del hides


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (LeavingView, "LeavingView.socket_disconnect: @limit cannot keep a client from leaving"),
        (HelpingView, "HelpingView._help has a @limit, but no client calls it"),
        (GuardingView, "GuardingView.authorize has a @limit, but no client calls it"),
        (HidingView, "HidingView.index: a decorator hides its @limit"),
    ],
)
def test_a_limit_that_would_have_no_effect_stops_the_start(
    app: Flask, view: type[FlaskView], words: str
) -> None:
    with pytest.raises(RegistrationError) as error:
        view.register(app, socket=socketio)
    assert words in str(error.value)


def test_a_view_of_a_blueprint_is_limited_too(settings: Settings) -> None:
    app, blueprint = create_app(settings), Blueprint("inner", __name__, url_prefix="/inner")
    LimitsView.register(blueprint)
    app.register_blueprint(blueprint)
    assert statuses(app, "/inner/limits/address", 2) == [200, 429]


def test_the_contract_says_what_is_limited(app: Flask) -> None:
    contract = contract_of(app)
    views = {view.name: view for view in contract.views}
    several = next(m for m in views["LimitsView"].methods if m.name == "several")
    x_limits = [
        {"limit": "3 per 10 seconds", "amount": 3, "seconds": 10, "by": "user", "shared": False},
        {"limit": "5 per minute", "amount": 5, "seconds": 60, "by": "user", "shared": False},
    ]
    words = "more than 3 per 10 seconds and 5 per minute, by user"
    assert [(error.status, error.detail) for error in several.errors] == [(429, words)]

    operation = openapi.document(contract)["paths"]["/limits/several"]["get"]
    assert operation["x-limits"] == x_limits
    assert operation["responses"]["429"]["description"] == words
    assert operation["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"] == "integer"
    assert "429" not in openapi.document(contract)["paths"]["/limits/free"]["get"]["responses"]

    document = asyncapi.document(contract)
    event = document["operations"]["limits.other.receive"]
    assert (event["x-limits"], event["x-errors"]) == (x_limits, [{"status": 429, "detail": words}])
    door = document["channels"]["door"]["x-handshake"]
    assert door["x-limits"][0]["limit"] == "1 per minute"
    say = document["operations"]["whole.say.receive"]
    assert [(each["limit"], each["shared"]) for each in say["x-limits"]] == [
        ("3 per minute", True),
        ("1 per second", False),
    ]
    keyed = openapi.document(contract)["paths"]["/limits/keyed"]["get"]["x-limits"]
    assert [each["by"] for each in keyed] == ["key", "address"]
