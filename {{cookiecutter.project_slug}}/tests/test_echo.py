"""The echo view, by every way there is."""

from flask.testing import FlaskClient

from .support.live import Connect
from .support.sent import Sent


def test_hello(client: FlaskClient) -> None:
    response = client.get("/echo")

    assert response.status_code == 200
    assert response.json == {"message": "hello"}


def test_an_event_is_answered_to_its_sender(connect: Connect) -> None:
    alice = connect("/echo")

    answer = alice.call("repeat", "hi", 3)

    assert answer == "hi hi hi"


def test_an_answer_is_never_large(connect: Connect) -> None:
    alice = connect("/echo")
    long = "x" * 200

    assert len(alice.call("repeat", long, 100)) == 100 * 201 - 1
    assert alice.answer("say", long) == {"message": long}
    for arguments in (("x", 100_000_000), ("x", 0), (long + "x", 1)):
        assert alice.call("repeat", *arguments)["error"]["status"] == 422
    assert alice.answer("say", long + "x")["error"]["status"] == 422


def test_what_is_said_is_told_to_everyone(connect: Connect) -> None:
    alice, bob = connect("/echo"), connect("/echo")

    answer = alice.call("say", "hi")

    assert answer == alice.expect("said") == bob.expect("said") == {"message": "hi"}


def test_what_is_said_over_http_is_told_to_everyone(client: FlaskClient, sent: Sent) -> None:
    response = client.post("/echo/say/hi")

    told = sent.one("said", message="hi")
    assert response.json == told.data == {"message": "hi"}
    assert (told.namespace, told.to, told.skip) == ("/echo", None, None)


def test_a_wrong_argument_is_a_problem_and_told_to_nobody(connect: Connect) -> None:
    alice, bob = connect("/echo"), connect("/echo")

    answer = alice.call("say", 7)

    assert answer["error"]["status"] == 422
    assert answer["error"]["errors"][0]["path"] == ["message"]
    bob.refute("said")


def test_a_wrong_request_is_a_problem(client: FlaskClient) -> None:
    response = client.get("/echo/say/hi")

    assert response.status_code == 405
    assert response.content_type == "application/problem+json"
    assert response.get_json()["title"] == "Method Not Allowed"


def test_an_unknown_event_is_a_problem(connect: Connect) -> None:
    alice = connect("/echo")

    answer = alice.call("shout", "hi")

    assert answer["error"]["status"] == 404
