# ruff: noqa: D103 - the name of a test says what it asserts
"""What is made of the contract for others: OpenAPI, AsyncAPI and TypeScript."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from combinations import CHOICES
from conftest import Bake, once
from environments import environ, interpreter, run_python
from openapi_spec_validator import OpenAPIV31SpecValidator
from packages import installed
from programs import program
from server import Server, package_of, started
from test_readme import blocks, read, section

OFFICIAL = "socket.io-client@4.8.4"
PARSE = """
const { Parser } = require("@asyncapi/parser");
new Parser().parse(require("fs").readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const errors = diagnostics.filter(({ severity }) => severity === 0);
  console.log(JSON.stringify({ version: document?.version(), errors }));
});
"""
# Rules that no schema has words for: letters that can be seen, no null character, one of two ids.
CONFIGURATION = "".join(
    f"""
[[operations]]
include-operation-id = "{operation}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "422"]
"""
    for operation in ("SessionView.post", "ChatView.send", "ChatView.messages")
)
TYPED = ("--strict", "--noEmit", "--target", "es2022", "--module", "esnext")
RIGHT = """
import { io } from "socket.io-client";
import type { Chat, ChatMessage, Echo, Joined, Problem } from "./service";

const auth: Chat.Auth = { token: "t" };
const chat: Chat.Socket = io("/chat", { auth });
const echo: Echo.Socket = io("/echo");
chat.on("message", (message) => message.author.name.toUpperCase());
chat.on("session.ended", ({ reason }) => reason === "expired");
echo.on("said", ({ message }) => message.length);

const joined: Joined | { error: Problem } = await chat.emitWithAck("join", "lobby");
if ("error" in joined) joined.error.errors?.map(({ path }) => path.length);
else joined.messages.map(({ sent_at }) => sent_at.length);
await chat.emitWithAck("join", "lobby", 7);
await chat.emitWithAck("join", "lobby", null);
await chat.emitWithAck("rooms");
await chat.emitWithAck("rooms", "a", 5);
await chat.timeout(100).emitWithAck("leave", "lobby");
const nothing: undefined | { error: Problem } = await chat.emitWithAck("typing", "lobby");
chat.emit("send", "lobby", { text: "hi", client_id: "7" }, (answer) => {
  const sent: ChatMessage | { error: Problem } = answer;
});
const repeated: string | { error: Problem } = await echo.emitWithAck("repeat", "hi", 3);
"""
WRONG = {
    "an event that nobody answers": 'chat.emitWithAck("jion", "lobby")',
    "too few arguments": 'chat.emitWithAck("join")',
    "too many arguments": 'chat.emitWithAck("join", "lobby", 7, 8)',
    "an argument of another type": 'chat.emitWithAck("join", 7)',
    "an optional argument of another type": 'chat.emitWithAck("join", "lobby", "7")',
    "a payload that lacks a member": 'chat.emitWithAck("send", "lobby", { text: "hi" })',
    "an ack taken for the result": '(await chat.emitWithAck("join", "lobby")).messages',
    "an ack of another type": 'chat.emit("join", "lobby", (answer: number) => answer)',
    "an event that is never sent": 'chat.on("massage", () => {})',
    "a payload of another type": 'chat.on("message", (message: string) => message)',
    "a member that is not sent": 'chat.on("message", (message) => message.txet)',
    "an event of another namespace": 'echo.emitWithAck("join", "lobby")',
    "a handshake of another type": 'io("/chat", { auth: { token: 7 } satisfies Chat.Auth })',
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`services(**answers)`: the folder of a service, to be run and not to be changed."""
    return once(tmp_path_factory)


@pytest.fixture(scope="module")
def chat(services: Bake) -> Path:
    """Return the chat."""
    return services(starter="chat")


@pytest.fixture(scope="module")
def server(chat: Path) -> Iterator[Server]:
    """Yield the chat, as it runs in development, with room for many requests."""
    with started(interpreter(chat), chat, MAX_EVENTS_PER_SECOND="1000000") as server:
        yield server


def said(service: Path, *arguments: str, **settings: str) -> str:
    """Return what a command of a service prints."""
    done = run_python(service, 60, "-m", package_of(service), *arguments, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_openapi_is_valid_and_has_every_route_of_the_views(services: Bake, starter: str) -> None:
    document = json.loads(said(services(starter=starter), "openapi"))

    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    assert {"/echo", "/echo/say/{message}", "/health/live"} <= document["paths"].keys()
    assert ("/chat/{room}/messages" in document["paths"]) is (starter == "chat")


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_asyncapi_is_what_the_official_parser_reads(services: Bake, starter: str) -> None:
    node, modules = program("node"), installed("@asyncapi/parser@3.6")
    document = said(services(starter=starter), "asyncapi")

    done = subprocess.run(
        [node, "-e", PARSE],
        input=document,
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert json.loads(done.stdout) == {"version": "3.0.0", "errors": []}
    assert "echo" in json.loads(document)["channels"]


def test_asyncapi_says_what_a_namespace_takes_answers_and_sends(chat: Path) -> None:
    document = json.loads(said(chat, "asyncapi"))

    channel, operations = document["channels"]["chat"], document["operations"]
    join = operations["chat.join.receive"]
    message, ack = channel["messages"]["join.event"], channel["messages"]["join.ack"]
    assert channel["x-handshake"]["auth"]["anyOf"][0]["$ref"].endswith("/Credentials")
    assert (join["action"], join["x-errors"][0]["status"]) == ("receive", 404)
    assert join["reply"]["messages"] == [{"$ref": "#/channels/chat/messages/join.ack"}]
    assert (message["payload"]["minItems"], message["payload"]["maxItems"]) == (1, 3)
    result, problem = ack["payload"]["anyOf"]
    assert result["prefixItems"] == [{"$ref": "#/components/schemas/Joined"}]
    assert problem["prefixItems"][0]["required"] == ["error"]
    assert operations["chat.message.send"]["action"] == "send"
    assert {tag["name"] for tag in operations["chat.session.2eended.send"]["tags"]} == {
        "ChatView",
        "SessionView",
    }


def test_the_contract_names_no_folder_of_the_machine(chat: Path, server: Server) -> None:
    contract = server.get("/docs/contract.json")

    assert f'"src/{package_of(chat)}/views/chat.py:' in contract
    assert str(chat.parent) not in contract


@pytest.mark.parametrize("command", ["openapi", "asyncapi", "types"])
def test_the_same_code_gives_the_same_bytes(chat: Path, command: str) -> None:
    once, again = (said(chat, command, PYTHONHASHSEED=seed) for seed in ("1", "2"))

    assert once == again


def test_the_addresses_below_docs_give_what_the_commands_print(chat: Path, server: Server) -> None:
    for path, command in (("openapi", "openapi"), ("asyncapi", "asyncapi")):
        assert json.loads(server.get(f"/docs/{path}.json")) == json.loads(said(chat, command))
    assert server.get("/docs/types.ts") == said(chat, "types")


def sign_in(server: Server) -> str:
    """Return a token."""
    address = urlsplit(server.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.request("POST", "/session", '{"name": "Ada"}', {"Content-Type": "application/json"})
    token: str = json.loads(connection.getresponse().read())["token"]
    connection.close()
    return token


@pytest.mark.parametrize("which", ["--exclude-operation-id", "--include-operation-id"])
def test_every_route_keeps_what_openapi_promises(
    chat: Path, server: Server, tmp_path: Path, which: str
) -> None:
    (tmp_path / "openapi.json").write_text(said(chat, "openapi"))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    # Who signs out has to sign in again, so that is asked apart.
    options = [
        *("--url", server.url, "--header", f"Authorization: Bearer {sign_in(server)}"),
        *("--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", "15"),
        *("--seed", "1", "--no-color", which, "SessionView.delete"),
    ]
    done = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", "openapi.json", *options],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Authentication failed" not in done.stdout or which.startswith("--include")


def checked(folder: Path, code: str) -> str:
    """Return what the TypeScript compiler has against a module, beside the types of the chat."""
    checker = installed("typescript@5.9") / "typescript" / "bin" / "tsc"
    (folder / "use.ts").write_text(code)
    (folder / "package.json").write_text('{"type": "module"}')
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(installed(OFFICIAL))
    done = subprocess.run(
        [program("node"), checker, *TYPED, "--moduleResolution", "bundler", "use.ts"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


def test_typescript_takes_right_uses_and_each_kind_of_wrong_one_is_an_error(
    chat: Path, tmp_path: Path
) -> None:
    said(chat, "types", str(tmp_path / "service.ts"))
    expected = "".join(f"// @ts-expect-error {what}\n{code};\n" for what, code in WRONG.items())

    assert checked(tmp_path, RIGHT) == ""
    assert checked(tmp_path, RIGHT + expected) == ""


def test_types_that_have_drifted_are_shown_and_fail_the_check(chat: Path, tmp_path: Path) -> None:
    file = tmp_path / "service.ts"
    said(chat, "types", str(file))
    said(chat, "types", "--check", str(file))
    file.write_text(file.read_text().replace("text: string;", "text: number;", 1))

    drifted = run_python(chat, 60, "-m", package_of(chat), "types", "--check", str(file))
    missing = run_python(chat, 60, "-m", package_of(chat), "types", "--check", f"{file}x")

    assert (drifted.returncode, missing.returncode) == (1, 1)
    assert "-  text: number;\n+  text: string;" in drifted.stdout
    assert f"types {file}" in drifted.stderr


@pytest.mark.parametrize("has_drifted", [False, True])
def test_the_workflow_checks_the_types_of_a_front_end(bake: Bake, has_drifted: bool) -> None:
    service = bake(starter="minimal")
    file = service / "frontend" / "service.ts"
    file.parent.mkdir()
    said(service, "types", "frontend/service.ts")
    if has_drifted:
        file.write_text(file.read_text() + "export {};\n")
    workflow = yaml.safe_load((service / ".github/workflows/ci.yml").read_text("utf-8"))
    steps = [step.get("run", "") for step in workflow["jobs"]["lint"]["steps"]]
    (script,) = [step for step in steps if "git grep" in step]
    path = [str(interpreter(service).parent)]
    git = shutil.which("git") or "git"
    for arguments in (["init", "--quiet"], ["add", "."]):
        subprocess.run([git, *arguments], cwd=service, check=True)

    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=service,
        env=environ(service) | {"PATH": os.pathsep.join([*path, os.environ["PATH"]])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == has_drifted, done.stdout + done.stderr
    assert ("-export {};" in done.stdout) is has_drifted


def about(operation: dict[str, Any]) -> set[str]:
    """Return the statuses that an operation may answer with."""
    return set(operation["responses"])


def test_openapi_says_how_a_route_may_fail(chat: Path) -> None:
    paths = json.loads(said(chat, "openapi"))["paths"]

    assert about(paths["/chat"]["post"]) == {"201", "401", "409", "422", "429", "default"}
    assert about(paths["/chat/{room}/messages"]["post"]) >= {"200", "201", "401", "404", "409"}
    assert about(paths["/session"]["delete"]) == {"204", "401", "default"}


def test_a_front_end_is_made_as_the_readme_says(bake: Bake) -> None:
    service = bake(starter="minimal")
    chapter = section(read(service), "### A typed front end")
    make, run = blocks(chapter, "console")
    (code,) = blocks(chapter, "ts")
    told = re.findall("`([^`]+)`", chapter.split("It prints")[1].split(":")[0])
    # The command of a service that is not installed.
    command = f'uv() {{ shift 2; "{interpreter(service)}" -m {package_of(service)} "$@"; }}'

    def shell(folder: Path, script: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", f"{command}\n{script}"],
            cwd=folder,
            env=environ(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for name in ("node", "npm"):
        program(name)
    with started(interpreter(service), service) as server:
        shell(service, make)
        code = code.replace("http://127.0.0.1:8000", server.url)
        (service / "frontend" / "src" / "main.ts").write_text(code)
        printed = shell(service / "frontend", run)

    assert sorted(printed.splitlines()) == sorted(told)
