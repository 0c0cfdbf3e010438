"""Describing: the contract says what registration has worked out, and nothing else."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import pytest
from contract_service.contract import asyncapi, openapi, typescript
from contract_service.contract.reading import contract_of
from contract_service.contract.structure import Contract, Method, View
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, on, route
from flask import Blueprint, Flask, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class NewThing(BaseModel):
    """What makes a thing."""

    name: Annotated[str, Field(max_length=10)]
    colour: Colour = Colour.RED
    parent: NewThing | None = None


@dataclass
class Thing:
    id: UUID
    price: Decimal
    tags: set[str]


class Ticket(TypedDict):
    token: str
    since: NotRequired[int]


class Unknown:
    pass


class ThingsView(FlaskView):
    """Things.

    And more of them.
    """

    sends = {"made": Thing, "moved": tuple[int, int], "gone": None}  # noqa: RUF012

    def authorize(self, action: str) -> None:
        """:raises Unauthorized: nobody is signed in."""

    @on("list")
    def index(
        self, limit: Annotated[int, Field(ge=1)] = 5, tags: list[str] | None = None
    ) -> list[Thing]:
        """List them.

        All that there are.

        :param limit: how many.
        """
        return []

    def get(self, id: UUID) -> Thing | None:
        """
        :raises NotFound: there is none.
        :raises Problem: 409, it is taken; 503, it is busy. Try again
            later.
        """

    @on("make")
    def post(self, new: NewThing) -> tuple[Thing, Literal[201]]: ...

    @route("<id>/move/<path:where>", methods=["PUT", "PATCH"])
    def move(self, id: UUID, where: str, force: bool = False) -> tuple[Thing, int]: ...

    def page(self) -> str: ...

    def raw(self) -> Response: ...

    def stream(self) -> Iterator[str]: ...

    def headers(self) -> tuple[Thing, dict[str, str]]: ...

    def free(self): ...

    def socket_pair(self, *numbers: int) -> tuple[int, str]: ...

    def socket_odd(self, thing=None, other: Annotated[Any, "x"] = ...) -> Unknown: ...

    def socket_maybe(self, colour: Colour) -> Thing | None: ...

    def socket_connect(self, auth: Ticket) -> None: ...


class QuietView(FlaskView):
    def index(self): ...


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [ThingsView, QuietView]


@pytest.fixture
def contract(app: Flask) -> Contract:
    return contract_of(app)


@pytest.fixture
def things(contract: Contract) -> View:
    return view_of(contract, "ThingsView")


def view_of(contract: Contract, name: str) -> View:
    return next(view for view in contract.views if view.name == name)


def method_of(view: View, name: str) -> Method:
    return next(method for method in view.methods if method.name == name)


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_a_view_is_described_with_its_place_and_its_methods_in_order(things):
    assert (things.path, things.namespace) == ("/things", "/things")
    assert things.doc == "Things.\n\nAnd more of them."
    assert things.source.rpartition(":")[0].endswith("test_describing.py")
    names = [method.name for method in things.methods]
    assert names[:4] == ["index", "get", "post", "move"]
    assert names[-3:] == ["socket_pair", "socket_odd", "socket_maybe"]


def test_parameters_have_their_types_defaults_places_and_words(things):
    index = method_of(things, "index")

    limit, tags = index.parameters
    assert limit.schema == {
        "type": "integer",
        "minimum": 1,
        "default": 5,
        "description": "how many.",
    }
    assert (limit.required, tags.required) == (False, False)
    assert index.routes[0].places == {"limit": "query", "tags": "query"}
    assert index.doc == "List them.\n\nAll that there are."


def test_the_routes_of_a_method_say_where_each_parameter_is(things):
    routes = method_of(things, "move").routes

    assert [(route.method, route.path) for route in routes] == [
        ("PATCH", "/things/{id}/move/{where}"),
        ("PUT", "/things/{id}/move/{where}"),
    ]
    assert routes[0].places == {"id": "path", "where": "path", "force": "query"}
    assert method_of(things, "post").routes[0].places == {"new": "body"}


@pytest.mark.parametrize(
    ("name", "statuses", "media"),
    [
        ("index", ["200"], "application/json"),
        ("get", ["200", "204"], "application/json"),
        ("post", ["201"], "application/json"),
        ("move", ["2XX"], "application/json"),
        ("page", ["200"], "text/html"),
        ("raw", ["2XX"], "*/*"),
        ("stream", ["200"], "*/*"),
        ("headers", ["200"], "*/*"),
        ("free", ["2XX"], "*/*"),
    ],
)
def test_results_are_those_of_the_return_annotation(things, name, statuses, media):
    result = method_of(things, name).result

    assert (result.statuses, result.media) == (statuses, media)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("index", {"type": "array", "items": reference("Thing")}),
        ("post", reference("Thing")),
        ("socket_pair", {"type": "integer"}),
    ],
)
def test_acks_are_the_body_or_all_that_a_method_for_events_returns(things, name, first):
    assert method_of(things, name).ack["prefixItems"][0] == first


def test_an_ack_that_may_be_empty_says_so(things):
    one, none = method_of(things, "socket_maybe").ack["anyOf"]

    assert (one["prefixItems"], none["maxItems"]) == ([reference("Thing")], 0)


def test_what_is_not_annotated_or_unknown_is_anything(things):
    odd = method_of(things, "socket_odd")

    assert [parameter.schema for parameter in odd.parameters] == [{"default": None}, {}]
    assert odd.ack["prefixItems"] == [{}]
    assert method_of(things, "free").ack is None


def test_errors_are_those_of_the_docstrings(things):
    errors = {error.status: error.detail for error in method_of(things, "get").errors}

    assert errors == {
        404: "there is none",
        409: "it is taken",
        503: "it is busy. Try again later",
        401: "nobody is signed in",
    }


def test_what_a_view_sends_is_the_arguments_of_each_event(things):
    assert things.sends["made"]["prefixItems"] == [reference("Thing")]
    assert [part["type"] for part in things.sends["moved"]["prefixItems"]] == ["integer"] * 2
    assert things.sends["gone"]["maxItems"] == 0


def test_what_a_client_sends_along_is_in_the_contract(things, contract):
    assert things.auth == reference("Ticket")
    assert contract.schemas["Ticket"]["required"] == ["token"]


def test_a_view_that_says_nothing_is_described_as_far_as_it_can_be(contract):
    quiet = view_of(contract, "QuietView")

    assert (quiet.doc, quiet.namespace, quiet.auth, quiet.sends) == ("", None, None, None)


def test_schemas_are_made_once_and_know_what_comes_in(contract):
    assert contract.schemas["NewThing"]["required"] == ["name"]
    assert contract.schemas["NewThing"]["description"] == "What makes a thing."
    assert contract.schemas["Colour"]["enum"] == ["red", "blue"]


def test_the_views_of_the_template_itself_are_not_described(contract):
    assert {view.name for view in contract.views} >= {"EchoView", "ThingsView"}
    assert "DocsView" not in {view.name for view in contract.views}


def test_a_view_of_a_blueprint_has_the_path_at_which_it_answers(app: Flask):
    blueprint = Blueprint("v2", __name__, url_prefix="/v2")
    QuietView.register(blueprint, socket=socketio)
    app.register_blueprint(blueprint)

    paths = {view.path for view in contract_of(app).views if view.name == "QuietView"}

    assert paths == {"/quiet", "/v2/quiet"}


def test_paths_that_differ_in_the_names_of_variables_are_one_in_openapi(app: Flask):
    class PartsView(FlaskView):
        def get(self, part: int) -> str: ...

        def delete(self, number: int) -> None: ...

    PartsView.register(app, socket=socketio)

    path = openapi.document(contract_of(app))["paths"]["/parts/{part}"]

    assert set(path) == {"get", "delete"}
    assert path["delete"]["parameters"][0]["name"] == "part"


def test_a_variable_that_a_decorator_takes_is_in_openapi(app: Flask):
    class OwnedView(FlaskView):
        base_args = ["owner"]  # noqa: RUF012

        @route("<owner>/things")
        def things(self, owner) -> str: ...

    OwnedView.register(app, socket=socketio)

    operation = openapi.document(contract_of(app))["paths"]["/owned/{owner}/things"]["get"]

    assert [(one["name"], one["in"]) for one in operation["parameters"]] == [("owner", "path")]


def test_two_views_of_one_namespace_are_one_channel(app: Flask):
    class FirstView(FlaskView):
        namespace = "/both"
        sends = {"told": int}  # noqa: RUF012

        def socket_first(self) -> None: ...

    class SecondView(FlaskView):
        namespace = "/both"
        sends = {"told": str}  # noqa: RUF012

        def socket_second(self) -> None: ...

    for view in (FirstView, SecondView):
        view.register(app, socket=socketio)
    contract = contract_of(app)
    document = asyncapi.document(contract)

    assert len(document["channels"]["both"]["messages"]["told.sent"]["payload"]["anyOf"]) == 2
    assert "told: (...args: [number] | [string]) => void;" in typescript.module(contract, "x")


def test_odd_names_are_spelled_so_that_they_stay_apart(app: Flask):
    class OddView(FlaskView):
        sends = {"a/b": int, "a.b": int, 'q"*/': int}  # noqa: RUF012

        @on("*/ } evil")
        def socket_new(self, new: int, delete: str = "") -> None:
            """*/ alert(1) /*."""

    OddView.register(app, socket=socketio)
    contract = contract_of(app)
    channel = asyncapi.document(contract)["channels"]["odd"]
    written = typescript.module(contract, "x")

    assert len({*channel["messages"]}) == 7
    assert '"a/b": (data: number) => void;' in written
    assert "[new_: number, delete_: string, ack: Ack<undefined>]" in written
    assert "*\\/ alert(1) /*." in written


def test_the_same_views_give_the_same_bytes(app: Flask):
    once, again = (json.dumps(dataclasses.asdict(contract_of(app))) for _ in range(2))

    assert once == again
