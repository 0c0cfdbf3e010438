"""Results: the same value as a response and as an ack."""

from __future__ import annotations

import datetime
import enum
import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from contract_service.flask_view import FlaskView, on, route
from flask import Response, jsonify
from pydantic import BaseModel

UTC = datetime.UTC
BERLIN = datetime.timezone(datetime.timedelta(hours=2))


class Level(enum.IntEnum):
    LOW = 1


class Item(BaseModel):
    name: str
    price: Decimal


@dataclass
class Box:
    items: list[Item]
    level: Level


BOX = Box([Item(name="a", price=Decimal("1.10"))], Level.LOW)
VALUES: dict[str, tuple[Any, Any]] = {
    "model": (BOX.items[0], {"name": "a", "price": "1.10"}),
    "dataclass": (BOX, {"items": [{"name": "a", "price": "1.10"}], "level": 1}),
    "list": ([BOX.items[0], 1], [{"name": "a", "price": "1.10"}, 1]),
    "datetime": (
        {"at": datetime.datetime(2026, 1, 2, 3, tzinfo=BERLIN)},
        {"at": "2026-01-02T03:00:00+02:00"},
    ),
    "naive": ([datetime.datetime(2026, 1, 2)], ["2026-01-02T00:00:00Z"]),
    "date": ([datetime.date(2026, 1, 2)], ["2026-01-02"]),
    "uuid": ([UUID(int=1)], ["00000000-0000-0000-0000-000000000001"]),
    "set": ({1}, [1]),
    "keys": ({1: "a", UUID(int=1): "b"}, {"1": "a", "00000000-0000-0000-0000-000000000001": "b"}),
    "big": ([2**70, -(2**64)], [2**70, -(2**64)]),
    "nan": ([math.nan, math.inf, 1.5], [None, None, 1.5]),
    "number": (5, 5),
    "true": (True, True),
    "text": (["é🚀", "</script>"], ["é🚀", "</script>"]),
}


class ValuesView(FlaskView):
    @route("value/<name>")
    @on("value")
    def value(self, name: str) -> Any:
        return VALUES[name][0]

    @route("<form>")
    @on("form")
    def form(self, form: str) -> Any:
        return {
            "text": "text",
            "status": ({"made": True}, 201),
            "headers": ({"made": True}, {"X-Made": "yes"}),
            "all": ({"made": True}, 201, [("X-Made", "yes")]),
            "response": Response("raw", 202),
            "jsonify": (jsonify(made=True), 203),
            "nothing": None,
            "status-only": (None, 205),
            "stream": (part for part in ("a", "b")),
        }[form]

    def socket_several(self):
        return 1, Item(name="b", price=Decimal(2))

    def socket_bytes(self, data):
        return {"data": data, "more": Box([], Level.LOW), "view": bytearray(b"x")}

    def socket_echo(self, value):
        return value

    @route(methods=["POST"])
    def back(self, value: dict[str, Any]):
        return value


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [ValuesView]


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_the_same_in_a_response_and_in_an_ack(client, connect, name) -> None:
    response = client.get(f"/values/value/{name}")
    assert response.mimetype == "application/json"
    assert json.loads(response.text) == VALUES[name][1]
    assert connect("/values").call("value", name) == VALUES[name][1]


@pytest.mark.parametrize(
    ("form", "status", "body", "ack"),
    [
        ("text", 200, "text", "text"),
        ("status", 201, '{"made":true}', {"made": True}),
        ("headers", 200, '{"made":true}', {"made": True}),
        ("all", 201, '{"made":true}', {"made": True}),
        ("response", 202, "raw", "raw"),
        ("jsonify", 203, '{"made":true}', {"made": True}),
        ("nothing", 204, "", None),
        ("status-only", 205, "", None),
    ],
)
def test_the_forms_of_flask_keep_their_meaning(client, connect, form, status, body, ack) -> None:
    response = client.get(f"/values/{form}")
    assert (response.status_code, response.text.strip()) == (status, body)
    if form in ("headers", "all"):
        assert response.headers["X-Made"] == "yes"
    assert connect("/values").call("form", form) == ack


def test_a_generator_streams(client) -> None:
    assert client.get("/values/stream").text == "ab"


def test_a_tuple_of_a_method_without_a_url_is_several_arguments(connect) -> None:
    assert connect("/values").call("several") == (1, {"name": "b", "price": "2"})


def test_bytes_travel_as_they_are_in_events(connect) -> None:
    answer = connect("/values").call("bytes", b"\x00\xff")
    assert answer == {"data": b"\x00\xff", "more": {"items": [], "level": 1}, "view": b"x"}


def test_whole_numbers_of_any_size_come_in_exact(client, connect) -> None:
    number = 2**80 + 1
    assert connect("/values").call("echo", number) == number
    assert json.loads(client.post("/values/back", json={"n": number}).text) == {"n": number}
