"""Arguments: the same signature filled from a request and from an event."""

from __future__ import annotations

import enum
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from contract_service.flask_view import FlaskView, RegistrationError, on, route
from flask import Flask, request
from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark-blue"


class TypesView(FlaskView):
    def number(self, value: int):
        return repr(value)

    def real(self, value: float):
        return repr(value)

    def identifier(self, value: UUID):
        return repr(value)

    def path(self, value: Path):
        return value.as_posix()

    def colour(self, value: Colour):
        return repr(value)

    def literal(self, value: Literal["a", "b"]):
        return repr(value)

    def optional(self, value: Optional[int]):  # noqa: UP045
        return repr(value)

    def limited(self, value: Annotated[int, Field(lt=100)]):
        return repr(value)

    @route("explicit/<value>")
    def explicit(self, value: int):
        return repr(value)

    def search(
        self, q: str = "", *, page: int = 1, tag: list[str] | None = None, exact: bool = False
    ):
        return [q, page, tag, exact]

    def untyped(self, value, more="default"):
        return [value, more]

    def private(self, _secret="kept"):
        return _secret

    @route("required")
    def required(self, q: str, limit: int):
        return [q, limit]


class Address(TypedDict):
    city: str


@dataclass
class Person:
    name: str
    age: int


class BodiesView(FlaskView):
    @route("model/<room>", methods=["POST"])
    @on("model")
    def model(self, room: str, message: NewMessage, dry: bool = False) -> Any:
        return [room, message.text, message.tags, dry]

    @route("dataclass", methods=["POST"])
    @on("dataclass")
    def dataclass(self, person: Person) -> Any:
        return [type(person).__name__, person.name, person.age]

    @route("typed", methods=["POST"])
    def typed(self, address: Address) -> Any:
        return address

    @route("many", methods=["POST"])
    @on("many")
    def many(self, people: list[Person]) -> Any:
        return [person.name for person in people]

    @route("maybe", methods=["POST"])
    def maybe(self, message: NewMessage | None = None) -> Any:
        return [message and message.text]

    @route("form", methods=["POST"])
    def form(self):
        return [request.form["field"], request.files["file"].read().decode()]

    def socket_any_number(self, first: int, *rest):
        return [first, *rest]

    def socket_named(self, first: int, *, second: str = "b"):
        return [first, second]

    def socket_untyped(self, first, second="b"):
        return [first, second]

    def socket_none(self):
        return "none"


class NewMessage(BaseModel):
    """Defined after the view that names it."""

    text: Annotated[str, Field(min_length=1)]
    tags: set[int] = set()


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [TypesView, BodiesView]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("number/7", "7"),
        ("real/1.5", "1.5"),
        (f"identifier/{UUID(int=3)}", repr(UUID(int=3))),
        ("path/a/b/c.txt", "a/b/c.txt"),
        ("colour/dark-blue", repr(Colour.DARK_BLUE)),
        ("literal/b", "'b'"),
        ("optional/7", "7"),
        ("limited/99", "99"),
        ("explicit/7", "7"),
    ],
)
def test_variables_of_the_url_have_the_type_of_the_parameter(client, path, answer) -> None:
    assert client.get(f"/types/{path}").text == answer


@pytest.mark.parametrize(
    "path", ["number/x", "real/x", "identifier/7", "colour/green", "literal/c", "explicit/x"]
)
def test_a_url_of_another_type_is_not_found(client, path) -> None:
    assert client.get(f"/types/{path}").status_code == 404


def test_a_constraint_beyond_the_type_is_a_validation_problem(client) -> None:
    response = client.get("/types/limited/100")
    assert response.status_code == 422
    assert response.json["errors"][0]["path"] == ["value"]


def test_the_query_fills_parameters_with_defaults(client) -> None:
    found = client.get("/types/search?q=x&page=2&tag=a&tag=b&exact=true")
    assert found.json == ["x", 2, ["a", "b"], True]
    assert client.get("/types/search").json == ["", 1, None, False]


def test_every_wrong_value_of_a_query_is_named(client) -> None:
    response = client.get("/types/search?page=x&exact=maybe")
    assert [error["path"] for error in response.json["errors"]] == [["page"], ["exact"]]


def test_a_required_parameter_outside_the_url_comes_from_the_query(client) -> None:
    assert client.get("/types/required?q=x&limit=3").json == ["x", 3]
    assert client.get("/types/required?q=x").json["errors"][0]["path"] == ["limit"]


def test_a_method_without_annotations_gets_what_came_in(client) -> None:
    assert client.get("/types/untyped/1?more=2").json == ["1", "2"]


def test_a_parameter_with_an_underscore_is_never_filled(client) -> None:
    assert client.get("/types/private?_secret=stolen").text == "kept"


def test_a_model_comes_from_the_body_and_from_an_event(client, connect) -> None:
    message = {"text": "hi", "tags": [2, "1"]}
    response = client.post("/bodies/model/lobby?dry=1", json=message)
    assert response.json == ["lobby", "hi", [1, 2], True]
    ack = connect("/bodies").call("model", "lobby", message, True)
    assert ack == response.json


def test_dataclasses_typed_dicts_and_lists_of_models_are_bodies_too(client, connect) -> None:
    person = {"name": "Ada", "age": "36"}
    assert client.post("/bodies/dataclass", json=person).json == ["Person", "Ada", 36]
    assert client.post("/bodies/typed", json={"city": "x"}).json == {"city": "x"}
    assert client.post("/bodies/many", json=[person, person]).json == ["Ada", "Ada"]
    assert connect("/bodies").call("many", [person]) == ["Ada"]


def test_every_wrong_field_of_a_body_is_named_by_its_path(client, connect) -> None:
    wrong = {"text": "", "tags": [1, "x"]}
    response = client.post("/bodies/model/lobby", json=wrong)
    ack = connect("/bodies").call("model", "lobby", wrong)
    assert response.status_code == 422
    paths = [error["path"] for error in response.json["errors"]]
    assert paths == [["message", "text"], ["message", "tags", 1]]
    assert ack == {"error": response.json}


def test_a_body_may_be_optional(client) -> None:
    assert client.post("/bodies/maybe").json == [None]
    assert client.post("/bodies/maybe", json={"text": "x"}).json == ["x"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 422),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "text=x", "content_type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(client, sent, status) -> None:
    response = client.post("/bodies/dataclass", **sent)
    assert (response.status_code, response.json["status"]) == (status, status)


def test_forms_and_files_work_through_the_request(client) -> None:
    form = {"field": "value", "file": (io.BytesIO(b"content"), "name.txt")}
    assert client.post("/bodies/form", data=form).json == ["value", "content"]


def test_an_event_fills_parameters_by_position(connect) -> None:
    bodies = connect("/bodies")
    assert bodies.call("any_number", "1", "x", None) == [1, "x", None]
    assert bodies.call("named", 1, "c") == [1, "c"]
    assert bodies.call("untyped", {"any": "thing"}) == [{"any": "thing"}, "b"]
    assert bodies.call("none") == "none"


@pytest.mark.parametrize(
    ("event", "arguments"),
    [("none", [1]), ("untyped", []), ("untyped", [1, 2, 3]), ("named", []), ("named", [1, 2, 3])],
)
def test_a_wrong_number_of_arguments_is_a_problem(connect, event, arguments) -> None:
    assert connect("/bodies").call(event, *arguments)["error"]["status"] == 422


def test_two_bodies_for_one_request_are_refused() -> None:
    class GreedyView(FlaskView):
        def post(self, one: NewMessage, two: Person):
            pass

    with pytest.raises(RegistrationError, match=r"GreedyView\.post.*one, two"):
        GreedyView.register(Flask("contract"))


def test_an_annotation_that_is_not_there_at_run_time_is_refused_by_name() -> None:
    class UnknownView(FlaskView):
        def index(self, value: Missing = 1):  # noqa: F821
            pass

    with pytest.raises(RegistrationError, match=r"UnknownView\.index.*'Missing'"):
        UnknownView.register(Flask("contract"))
