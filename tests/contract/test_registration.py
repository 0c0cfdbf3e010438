"""Registering a view: what gets a URL, what gets an event, and what is refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from contract_service.flask_view import FlaskView, RegistrationError, on, route
from contract_service.serving import async_mode
from flask import Blueprint, Flask, url_for
from flask.testing import FlaskClient
from flask_socketio import SocketIO


def served(*views: type[FlaskView], **options: Any) -> tuple[FlaskClient, SocketIO]:
    app = Flask("contract")
    socket = SocketIO(app, async_mode=async_mode.ASYNC_MODE)
    for view in views:
        view.register(app, socket=socket, **options)
    return app.test_client(), socket


def paths(app: Flask) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}


def events(socket: SocketIO, namespace: str) -> set[str]:
    return set(socket.server.handlers.get(namespace, ())) - {"connect", "disconnect"}


def plain_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def polite_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return inner


class MixedView(FlaskView):
    def index(self):
        return "index"

    def socket_join(self):
        return "joined"

    @on("leave")
    def leave(self):
        return "left"

    def update(self):
        return "sorts after socket_"

    def zap(self):
        return "last"

    @route("both", methods=["POST"])
    @on("both", "either")
    def both(self):
        return "both"


def test_methods_that_sort_after_the_socket_methods_keep_their_routes() -> None:
    client, socket = served(MixedView)
    assert paths(client.application) == {"/mixed", "/mixed/update", "/mixed/zap", "/mixed/both"}
    assert client.get("/mixed/zap").text == "last"
    assert events(socket, "/mixed") == {"join", "leave", "both", "either"}


def test_a_view_needs_no_socket_and_no_prefix() -> None:
    app = Flask("contract")
    MixedView.register(app)
    assert app.test_client().get("/mixed").text == "index"


def test_emitting_without_a_socket_says_what_is_missing() -> None:
    class LonelyView(FlaskView):
        def index(self):
            self.broadcast("x")

    app = Flask("contract", static_folder=None)
    app.testing = True
    LonelyView.register(app)
    with pytest.raises(RuntimeError, match=r"register\(app, socket=socketio\)"):
        app.test_client().get("/lonely")


def test_a_view_without_events_opens_no_namespace() -> None:
    class RestView(FlaskView):
        def index(self):
            return "index"

    _, socket = served(RestView)
    assert "/rest" not in socket.server.handlers


def test_one_instance_serves_all_methods() -> None:
    class CountingView(FlaskView):
        made = 0

        def __init__(self) -> None:
            type(self).made += 1
            self.count = 0

        def increase(self):
            self.count += 1
            return str(self.count)

        def peek(self):
            return str(self.count)

    client, _ = served(CountingView)
    client.get("/counting/increase")
    client.get("/counting/increase")
    assert client.get("/counting/peek").text == "2"
    assert CountingView.made == 1


def test_registering_leaves_the_class_as_it_was() -> None:
    before = dict(vars(MixedView))
    app = Flask("contract")
    socket = SocketIO(app, async_mode=async_mode.ASYNC_MODE)
    MixedView.register(app, "/elsewhere", route_prefix="/v1", trailing_slash=True, socket=socket)
    assert dict(vars(MixedView)) == before
    assert "/v1/elsewhere/update/" in paths(app)
    assert events(socket, "/v1/elsewhere")


def test_a_view_registers_again_on_another_app_and_at_another_path() -> None:
    first, second = Flask("first"), Flask("second")
    MixedView.register(first, defaults={})
    MixedView.register(second)
    MixedView.register(second, "/again")
    assert paths(first) < paths(second)
    assert second.test_client().get("/again/zap").text == "last"
    with second.test_request_context():
        assert url_for("MixedView:index") == "/mixed"
        assert url_for("MixedView:index@again") == "/again"


def test_the_same_view_at_the_same_path_is_refused() -> None:
    app = Flask("contract")
    MixedView.register(app)
    MixedView.register(app, "/again")
    with pytest.raises(RegistrationError, match="already registered at /again"):
        MixedView.register(app, "/again")


class RoomsView(FlaskView):
    def index(self):
        return "the new rooms"

    def get(self, room):
        return room


class OldRoomsView(FlaskView):
    route_base = "/rooms"

    def alpha(self):
        return "no trace of this one"

    def index(self):
        return "the old rooms"

    def socket_join(self):
        pass


def test_two_views_that_answer_the_same_requests_are_refused_by_name() -> None:
    app = Flask("contract", static_folder=None)
    socket = SocketIO(app, async_mode=async_mode.ASYNC_MODE)
    RoomsView.register(app, socket=socket)
    message = r"RoomsView\.index and OldRoomsView\.index both answer GET /rooms$"
    with pytest.raises(RegistrationError, match=message):
        OldRoomsView.register(app, socket=socket)
    assert paths(app) == {"/rooms", "/rooms/<room>"}
    assert "/rooms" not in socket.server.handlers
    assert app.test_client().get("/rooms").text == "the new rooms"


def test_two_methods_of_a_view_that_answer_the_same_requests_are_refused() -> None:
    class TwiceView(FlaskView):
        def get(self, name: str):
            return name

        @route("<slug>", methods=["GET", "PUT"])
        def by_slug(self, slug):
            return slug

    app = Flask("contract", static_folder=None)
    message = r"TwiceView\.by_slug and TwiceView\.get both answer GET /twice/<string:name>"
    with pytest.raises(RegistrationError, match=message):
        TwiceView.register(app)
    assert not paths(app)


def test_a_view_that_answers_the_requests_of_a_function_is_refused() -> None:
    app = Flask("contract", static_folder=None)
    app.add_url_rule("/rooms/<id>", "room", lambda id: id)
    with pytest.raises(RegistrationError, match=r"room and RoomsView\.get both answer GET /rooms/"):
        RoomsView.register(app)
    assert paths(app) == {"/rooms/<id>"}


@pytest.mark.parametrize(
    ("path", "defaults", "error"),
    [("<planet:name>", {}, LookupError), ("<any(one, two):name>", {"name": "three"}, ValueError)],
)
def test_of_a_view_with_a_rule_that_cannot_be_added_nothing_is(
    path: str, defaults: dict[str, str], error: type[Exception]
) -> None:
    class HalfView(FlaskView):
        def first(self):
            return "no trace of this one"

        @route(path, defaults=defaults)
        def second(self, name):
            return name

    app = Flask("contract", static_folder=None)
    with pytest.raises(error):
        HalfView.register(app)
    assert not paths(app)


def test_a_view_twice_at_one_path_is_refused() -> None:
    app = Flask("contract")
    RoomsView.register(app)
    with pytest.raises(
        RegistrationError, match=r"RoomsView\.get is registered twice for GET /rooms/"
    ):
        RoomsView.register(app)


def test_views_of_a_blueprint_that_answer_the_same_requests_are_refused_with_it() -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    RoomsView.register(blueprint)
    OldRoomsView.register(blueprint)
    app = Flask("contract", static_folder=None)
    message = r"RoomsView\.index and OldRoomsView\.index both answer GET /api/rooms"
    with pytest.raises(RegistrationError, match=message):
        app.register_blueprint(blueprint)
    assert paths(app) == {"/api/rooms", "/api/rooms/<room>"}


def test_one_path_serves_what_differs_in_method_type_or_subdomain() -> None:
    class OtherView(FlaskView):
        route_base = "/rooms"

        def get(self, room: int):
            return room

        def post(self):
            return "made"

    app = Flask("contract", static_folder=None)
    RoomsView.register(app)
    RoomsView.register(app, subdomain="admin")
    OtherView.register(app)
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    RoomsView.register(blueprint)
    app.register_blueprint(blueprint)
    client = app.test_client()
    assert client.post("/rooms").text == "made"
    assert client.get("/api/rooms").text == client.get("/rooms").text == "the new rooms"


def test_two_handlers_of_one_event_are_refused_by_name() -> None:
    class OtherView(FlaskView):
        namespace = "/mixed"

        def socket_join(self):
            return "the other"

    with pytest.raises(RegistrationError) as refused:
        served(MixedView, OtherView)
    for word in ("'join'", "/mixed", "MixedView.socket_join", "OtherView.socket_join"):
        assert word in str(refused.value)


def test_two_connect_handlers_of_one_namespace_are_refused() -> None:
    class FirstView(FlaskView):
        namespace = "/shared"

        def socket_connect(self, auth):
            pass

    class SecondView(FirstView):
        pass

    with pytest.raises(RegistrationError, match=r"FirstView\.socket_connect and SecondView"):
        served(FirstView, SecondView)


def test_a_refused_view_leaves_no_trace() -> None:
    class BrokenView(FlaskView):
        def alpha(self):
            return "fine"

        @route("<nosuch:x>")
        def beta(self, x):
            return x

        def socket_ping(self):
            return "pong"

    app = Flask("contract", static_folder=None)
    socket = SocketIO(app, async_mode=async_mode.ASYNC_MODE)
    with pytest.raises(LookupError, match="nosuch"):
        BrokenView.register(app, socket=socket)
    assert not paths(app)
    assert "/broken" not in socket.server.handlers


def test_events_need_a_namespace_when_the_path_has_variables() -> None:
    class RoomView(FlaskView):
        route_base = "/rooms/<room>"

        def socket_say(self, text):
            return text

    with pytest.raises(RegistrationError, match='namespace = "/rooms"'):
        served(RoomView)
    RoomView.namespace = "/rooms"
    _, socket = served(RoomView)
    assert events(socket, "/rooms") == {"say"}


def test_helpers_and_handlers_get_no_url() -> None:
    class HelpfulView(FlaskView):
        excluded_methods: ClassVar[list[str]] = ["helper"]

        def index(self):
            return self.twice("x")

        def helper(self):
            return "never"

        @staticmethod
        def twice(text):
            return text * 2

        @classmethod
        def of(cls):
            return cls

        def socket_connect(self, auth):
            pass

    class ChildView(HelpfulView):
        excluded_methods: ClassVar[list[str]] = ["other"]

        def other(self):
            return "never"

    client, _ = served(HelpfulView, ChildView)
    assert paths(client.application) == {"/helpful", "/child"}
    assert client.get("/helpful").text == "xx"


def test_decorated_methods_keep_their_arguments() -> None:
    class DecoratedView(FlaskView):
        @polite_wrapper
        def get(self, number):
            return f"get {number}"

        @plain_wrapper
        def show(self, number):
            return f"show {number}"

    client, _ = served(DecoratedView)
    assert client.get("/decorated/5").text == "get 5"
    assert client.get("/decorated/show/5").text == "show 5"


def test_a_decorator_that_hides_the_arguments_is_refused_by_name() -> None:
    def hiding(function):
        def inner(*args, **kwargs):
            return [function][0](*args, **kwargs)

        inner.__closure__[0].cell_contents = None
        return inner

    class HiddenView(FlaskView):
        @hiding
        def get(self, number):
            return number

    with pytest.raises(RegistrationError, match=r"HiddenView\.get.*functools\.wraps"):
        served(HiddenView)


@pytest.mark.parametrize("decorator", [functools.cache, functools.cached_property, property])
def test_what_is_no_method_is_refused_or_ignored_but_never_half_served(decorator: Any) -> None:
    class OddView(FlaskView):
        @decorator
        def get(self):
            return "odd"

    if decorator is functools.cache:
        with pytest.raises(RegistrationError, match=r"OddView\.get is a _lru_cache_wrapper"):
            served(OddView)
    else:
        client, _ = served(OddView)
        assert not paths(client.application)


def test_an_async_method_is_refused() -> None:
    class AsyncView(FlaskView):
        async def index(self):
            return "never"

    with pytest.raises(RegistrationError, match=r"AsyncView\.index is async"):
        served(AsyncView)


def test_a_mark_on_a_name_of_the_base_is_refused() -> None:
    class ShadowView(FlaskView):
        @route("drop", methods=["POST"])
        def drop(self, sid):
            return sid

    with pytest.raises(RegistrationError, match=r"ShadowView\.drop hides a method of FlaskView"):
        served(ShadowView)


def test_a_view_with_a_variable_in_its_path_does_not_disturb_others() -> None:
    class OwnerView(FlaskView):
        route_base = "/owners/<id>"

        def pets(self, id):
            return f"pets of {id}"

    class PetView(FlaskView):
        route_base = "/pets"

        def get(self, id):
            return f"pet {id}"

    client, _ = served(OwnerView, PetView)
    assert client.get("/owners/7/pets").text == "pets of 7"
    assert client.get("/pets/5").text == "pet 5"


def test_the_subdomain_of_one_route_is_its_own() -> None:
    class SplitView(FlaskView):
        @route("a", subdomain="admin")
        def a(self):
            return "a"

        def b(self):
            return "b"

    app = Flask("contract", static_folder=None)
    SplitView.register(app)
    subdomains = {rule.rule: rule.subdomain for rule in app.url_map.iter_rules()}
    assert subdomains == {"/split/a": "admin", "/split/b": ""}


def test_options_of_one_registration_do_not_leak_into_the_next() -> None:
    first, second = Flask("first", static_folder=None), Flask("second", static_folder=None)
    MixedView.register(first, strict_slashes=False)
    MixedView.register(second)
    assert {rule.strict_slashes for rule in second.url_map.iter_rules()} == {True}


def test_an_overridden_method_keeps_its_marks() -> None:
    class ChildView(MixedView):
        def both(self):
            return "of the child"

    client, socket = served(ChildView)
    assert client.post("/child/both").text == "of the child"
    assert events(socket, "/child") == {"join", "leave", "both", "either"}


def test_a_view_on_a_blueprint_has_its_url_prefix() -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    MixedView.register(blueprint)
    app = Flask("contract")
    app.register_blueprint(blueprint)
    assert app.test_client().get("/api/mixed/zap").text == "last"


def test_an_event_name_that_belongs_to_the_namespace_is_refused() -> None:
    with pytest.raises(ValueError, match="socket_connect"):
        on("connect")
    with pytest.raises(ValueError, match="names of events"):
        on()


def test_the_default_path_of_a_route_is_the_name_of_the_method() -> None:
    class DefaultView(FlaskView):
        @route(methods=["PUT"])
        def statistics(self):
            return "put"

        @route("/", methods=["POST"])
        def create(self):
            return "made", 201

    client, _ = served(DefaultView)
    assert client.put("/default/statistics").text == "put"
    assert client.post("/default/").status_code == 201
