"""The chat: rooms, what is said in them, and who is there."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from {{ cookiecutter.__package }}.chat import rooms
from {{ cookiecutter.__package }}.settings import Settings
from {{ cookiecutter.__package }}.views import chat
from {{ cookiecutter.__package }}.views.chat import ChatView

from .support.databases import DATABASES, settings_on
from .support.live import Connect, LiveClient

SignIn = Callable[[str], LiveClient]


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest) -> Settings:
    """Return the settings of `app`, for each database; nobody is kept long who has gone."""
    return settings_on(request).model_copy(update={"presence_grace_seconds": 0.2})


@pytest.fixture
def sign_in(client: FlaskClient, connect: Connect) -> SignIn:
    """Return `sign_in(name)`, which returns a client; `client` speaks for the same person then."""

    def sign_in(name: str) -> LiveClient:
        token = client.post("/session", json={"name": name}).get_json()["token"]
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return connect("/chat", auth={"token": token})

    return sign_in


def message(text: str) -> dict[str, str]:
    """Return a new message, as a client sends it."""
    return {"text": text, "client_id": str(uuid4())}


def texts(answer: Any) -> list[str]:
    """Return what was said."""
    return [said["text"] for said in answer["messages"]]


def said_before(ada: LiveClient, count: int) -> list[str]:
    """Say something in the lobby that many times, and return what."""
    said = [f"message {number}" for number in range(1, count + 1)]
    for text in said:
        ada.call("send", "lobby", message(text))
    return said


def names(people: list[dict[str, str]]) -> list[str]:
    """Return who somebody is, of each."""
    return [person["name"] for person in people]


def changes(client: LiveClient, timeout: float = 2) -> Iterator[tuple[str, Any]]:
    """Yield who joins a room that a client has just joined, and who leaves it, with all clients."""
    refs = {key: {*metas} for key, metas in client.expect("presence_state")["present"].items()}
    while True:
        diff = client.expect("presence_diff", timeout=timeout)
        before = {key for key, of_key in refs.items() if of_key}
        for key, metas in diff["leaves"].items():
            refs.setdefault(key, set()).difference_update(metas)
        for key, metas in diff["joins"].items():
            refs.setdefault(key, set()).update(metas)
        here = {key for key, of_key in refs.items() if of_key}
        for event, what in (("joined", "joins"), ("left", "leaves")):
            for key in here - before if event == "joined" else before - here:
                meta, *_ = diff[what][key].values()
                yield event, {"room": diff["room"], "person": {"id": key, "name": meta["name"]}}


def post_at_once(client: FlaskClient, path: str, body: object) -> list[Any]:
    """Send a request from eight threads at the same time, and return the responses."""
    start, responses = threading.Barrier(8), list[Any]()

    def run() -> None:
        one = client.application.test_client()
        start.wait()
        responses.append(one.post(path, json=body, environ_base=client.environ_base))

    threads = [threading.Thread(target=run) for _ in range(start.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return responses


def test_what_is_said_is_told_to_everyone_in_the_room(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    ada.call("join", "lobby")
    bob.call("join", "lobby")

    answer = ada.call("send", "lobby", message("hi"))

    assert (answer["id"], answer["author"]["name"], answer["text"]) == (1, "Ada", "hi")
    assert answer == ada.expect("message") == bob.expect("message")


def test_what_is_said_over_http_is_told_too(client: FlaskClient, sign_in: SignIn) -> None:
    ada, _bob = sign_in("Ada"), sign_in("Bob")
    ada.call("join", "lobby")

    response = client.post("/chat/lobby/messages", json=message("hi"))

    assert response.status_code == 201
    assert response.get_json() == ada.expect("message")


def test_what_is_said_is_told_in_no_other_room(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    bob.call("create", {"name": "tea"})
    bob.call("join", "tea")

    ada.call("send", "lobby", message("hi"))

    bob.refute("message")


def test_a_message_that_is_sent_again_is_stored_once(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    said = message("hi")

    first, again = ada.call("send", "lobby", said), ada.call("send", "lobby", said)
    response = client.post("/chat/lobby/messages", json=said)

    assert (response.status_code, response.get_json()) == (200, first)
    assert again == first
    assert texts(ada.call("join", "lobby")) == ["hi"]


def test_a_message_that_nobody_heard_of_is_told_when_it_is_sent_again(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    bob.call("join", "lobby")
    said = message("hi")
    with pytest.MonkeyPatch.context() as crash:
        crash.setattr(ChatView, "emit", lambda *_, **__: None)
        ada.call("send", "lobby", said)
    bob.refute("message")

    again = ada.call("send", "lobby", said)

    assert again == bob.expect("message")


def test_another_message_with_the_same_client_id_is_refused(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    said = message("hi")
    ada.call("send", "lobby", said)

    answer = ada.answer("send", "lobby", {**said, "text": "bye"})

    assert answer["error"]["status"] == 409
    assert texts(ada.call("join", "lobby")) == ["hi"]


def test_a_message_that_is_sent_several_times_at_once_is_stored_once(
    client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in("Ada")

    responses = post_at_once(client, "/chat/lobby/messages", message("hi"))

    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert [response.get_json()["id"] for response in responses] == [1] * 8


def test_a_client_that_was_away_gets_what_it_missed(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    last = ada.call("send", "lobby", message("one"))["id"]
    ada.cut()
    bob.call("send", "lobby", message("two"))
    bob.call("send", "lobby", message("three"))
    ada.reconnect()

    assert texts(ada.call("join", "lobby", last)) == ["two", "three"]


def test_what_was_missed_comes_in_parts(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    one, two, three = said_before(ada, 3)

    parts = [client.get(f"/chat/lobby/messages?since={id}&limit=2").get_json() for id in (0, 2)]

    assert [(texts(part), part["more"]) for part in parts] == [([one, two], True), ([three], False)]


def test_whoever_joins_without_an_id_gets_what_was_said_last(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    said = said_before(ada, 101)

    newest, everything = ada.call("join", "lobby"), ada.call("join", "lobby", 0)

    assert (texts(newest), newest["more"]) == (said[1:], True)
    assert ada.call("join", "lobby", None) == newest
    assert (texts(everything), everything["more"]) == (said[:100], True)


def test_whoever_joins_without_an_id_may_get_everything(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    empty = ada.call("join", "lobby")
    said = said_before(ada, 100)

    full = ada.call("join", "lobby")

    assert (texts(empty), empty["more"]) == ([], False)
    assert (texts(full), full["more"]) == (said, False)


def test_long_messages_come_in_smaller_parts(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    for _ in range(30):
        ada.call("send", "lobby", message("x" * 4000))

    newest = ada.call("join", "lobby")
    first = newest["messages"][0]["id"]
    earlier = client.get(f"/chat/lobby/messages?before={first}").get_json()
    all_of_it = client.get("/chat/lobby/messages?since=0").get_json()

    assert (len(newest["messages"]), newest["more"], first) == (25, True, 6)
    assert (len(earlier["messages"]), earlier["more"]) == (5, False)
    assert (len(all_of_it["messages"]), all_of_it["more"]) == (25, True)


def test_a_part_has_a_message_however_long_it_is(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    monkeypatch.setattr(rooms, "_PART", 1)
    ada = sign_in("Ada")
    _one, two = said_before(ada, 2)

    assert texts(ada.call("join", "lobby")) == [two]


def test_earlier_messages_come_in_parts(client: FlaskClient, sign_in: SignIn) -> None:
    one, two, three, four = said_before(sign_in("Ada"), 4)

    asked = ["limit=1", "before=4&limit=2", "before=2&limit=2", "before=1", "before=9"]
    parts = [client.get(f"/chat/lobby/messages?{query}").get_json() for query in asked]

    assert [(texts(part), part["more"]) for part in parts] == [
        ([four], True),
        ([two, three], True),
        ([one], False),
        ([], False),
        ([one, two, three, four], False),
    ]


def test_nobody_asks_in_both_directions(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in("Ada")

    response = client.get("/chat/lobby/messages?since=0&before=5")

    assert response.status_code == 422
    assert "not for both" in response.get_json()["detail"]


@pytest.mark.parametrize("before", [0, -1, 2**63, "x"])
def test_the_id_to_read_before_has_rules(client: FlaskClient, sign_in: SignIn, before: Any) -> None:
    sign_in("Ada")

    assert client.get(f"/chat/lobby/messages?before={before}").status_code == 422


def test_ids_count_within_a_room(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    ada.call("create", {"name": "tea"})

    sent = [ada.call("send", room, message("hi")) for room in ("lobby", "tea", "lobby")]

    assert [(said["room"], said["id"]) for said in sent] == [("lobby", 1), ("tea", 1), ("lobby", 2)]
    assert [(room["name"], room["last_id"]) for room in ada.call("rooms")] == [
        ("lobby", 2),
        ("tea", 1),
    ]


@pytest.mark.parametrize("text", ["", "x" * 4001, "a\0b", 7])
def test_a_message_has_rules(sign_in: SignIn, text: Any) -> None:
    ada = sign_in("Ada")

    answer = ada.answer("send", "lobby", {"text": text, "client_id": str(uuid4())})

    assert answer["error"]["status"] == 422


def test_a_room_is_made_once(client: FlaskClient, sign_in: SignIn) -> None:
    ada = sign_in("Ada")

    response = client.post("/chat", json={"name": "tea"})

    assert response.status_code == 201
    assert response.get_json() == {"name": "tea", "last_id": 0, "people": 0}
    assert ada.answer("create", {"name": "tea"})["error"]["status"] == 409


def test_a_room_that_is_made_several_times_at_once_is_made_once(
    client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in("Ada")

    responses = post_at_once(client, "/chat", {"name": "tea"})

    assert sorted(response.status_code for response in responses) == [201] + [409] * 7


def test_rooms_come_in_parts(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    for name in ("tea", "coffee", "garden"):
        ada.call("create", {"name": name})

    parts = [ada.answer("rooms", None, 3), ada.answer("rooms", "lobby", 3)]

    assert [names(part) for part in parts] == [["coffee", "garden", "lobby"], ["tea"]]
    assert len(ada.call("rooms")) == 4
    assert ada.answer("rooms", None, 501)["error"]["status"] == 422


def test_a_room_tells_how_many_messages_it_has_had(sign_in: SignIn) -> None:
    ada = sign_in("Ada")
    ada.call("join", "lobby")
    said_before(ada, 2)

    lobby = ada.answer("room", "lobby")
    assert lobby == ada.call("rooms")[0] == {"name": "lobby", "last_id": 2, "people": 1}
    assert ada.answer("room", "nowhere")["error"]["status"] == 404


@pytest.mark.parametrize("name", ["", "Tea", "a--b", "-a", "room:lobby", "a/b", "a\n", "x" * 41])
def test_the_name_of_a_room_has_rules(sign_in: SignIn, name: str) -> None:
    ada = sign_in("Ada")

    assert ada.answer("create", {"name": name})["error"]["status"] == 422


def test_nobody_joins_what_is_no_room(client: FlaskClient, sign_in: SignIn) -> None:
    ada, _bob = sign_in("Ada"), sign_in("Bob")
    bobs = "session:" + client.get("/session").get_json()["id"]

    answers = [ada.call("join", room) for room in (bobs, "room:lobby", "nowhere")]

    assert [answer["error"]["status"] for answer in answers] == [422, 422, 404]


def test_the_others_see_who_comes_and_goes(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    ada.call("join", "lobby")
    told = changes(ada)

    here = bob.call("join", "lobby")["people"]
    joined = next(told)
    bob.call("leave", "lobby")

    assert names(here) == ["Ada", "Bob"]
    assert joined == ("joined", {"room": "lobby", "person": here[1]})
    assert next(told) == ("left", {"room": "lobby", "person": here[1]})
    assert ada.answer("people", "lobby") == here[:1]
    bob.refute("presence_diff")


@pytest.mark.parametrize("go", [LiveClient.disconnect, LiveClient.cut])
def test_whoever_is_gone_has_left(sign_in: SignIn, go: Callable[[LiveClient], None]) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    bob.call("join", "lobby")
    ada.call("join", "lobby")
    told = changes(ada, timeout=5)

    go(bob)

    event, who = next(told)
    assert (event, who["person"]["name"]) == ("left", "Bob")
    assert names(ada.call("people", "lobby")) == ["Ada"]


def test_a_person_with_two_clients_is_one_person(
    client: FlaskClient, sign_in: SignIn, connect: Connect
) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    token = client.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    again = connect("/chat", auth={"token": token})
    for socket in (ada, bob, again):
        socket.call("join", "lobby")
    told = changes(ada)

    event, who = next(told)
    again.disconnect()

    assert (event, who["person"]["name"]) == ("joined", "Bob")
    with pytest.raises(AssertionError, match="No 'presence_diff'"):
        next(told)
    assert names(ada.call("people", "lobby")) == ["Ada", "Bob"]


def test_whoever_is_out_of_sight_is_away(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    bob.call("join", "lobby", None, True)
    ada.call("join", "lobby")
    here = ada.expect("presence_state")["present"].values()

    bob.call("away", False)

    assert {"name": "Bob", "away": True} in [meta for metas in here for meta in metas.values()]
    ((back,),) = (metas.values() for metas in ada.expect("presence_diff")["joins"].values())
    assert back == {"name": "Bob", "away": False}


def test_a_client_is_in_so_many_rooms_only(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    monkeypatch.setattr(ChatView, "max_rooms", 1)
    ada = sign_in("Ada")
    ada.call("create", {"name": "tea"})
    ada.call("join", "lobby")

    assert ada.call("join", "tea")["error"]["status"] == 409
    assert "people" in ada.call("join", "lobby")
    ada.call("leave", "lobby")
    assert "people" in ada.call("join", "tea")


def test_the_first_of_many_people_are_named(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    monkeypatch.setattr(chat, "_MOST_PEOPLE", 1)
    ada, bob = sign_in("Ada"), sign_in("Bob")
    bob.call("join", "lobby")

    assert names(ada.call("join", "lobby")["people"]) == ["Ada"]
    assert ada.call("room", "lobby")["people"] == 2


def test_typing_is_told_to_the_others(sign_in: SignIn) -> None:
    ada, bob = sign_in("Ada"), sign_in("Bob")
    ada.call("join", "lobby")
    bob.call("join", "lobby")

    ada.call("typing", "lobby")

    assert bob.expect("typing")["person"]["name"] == "Ada"
    ada.refute("typing")


def test_typing_is_for_those_in_the_room(sign_in: SignIn) -> None:
    ada = sign_in("Ada")

    assert ada.call("typing", "lobby")["error"]["status"] == 409
