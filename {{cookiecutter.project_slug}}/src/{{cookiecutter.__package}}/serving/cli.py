# Owned by the template: an update may change this file.
"""The commands of the service."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, current_app
from flask.cli import FlaskGroup, shell_command, with_appcontext

from ..contract import catalog
from ..contract.project import FOLDER, PACKAGE, command_name
from ..flask_view import PromiseError, RegistrationError
from ..flask_view.registration.views import promises_in, registered_with
from ..flask_view.rooms.names import addressed
from .async_mode import ADVICE
from .cluster.clients import BrokerError
from .connections import limits
from .new_view import ScaffoldError, write_view
from .process.listener import ListenError, listen
from .process.server import serve
from .service import service_of
from .settings import ServingSettings, SettingsError

if TYPE_CHECKING:
    from ..contract.structure import Contract

_CLEAR_ERRORS = (
    BrokerError,
    ImportError,
    ListenError,
    PromiseError,
    RegistrationError,
    ScaffoldError,
    SettingsError,
)

_HOST, _PORT = "127.0.0.1", 8000


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """End the command with a sentence when it is clear what is wrong."""
    try:
        yield
    except _CLEAR_ERRORS as error:
        raise click.ClickException(str(error)) from error


def command_line(
    create_app: Callable[..., Flask], settings_class: type[ServingSettings]
) -> click.Group:
    """Return the command of a service.

    :param create_app: returns the application, from settings or for a command.
    :param settings_class: the settings of the service.
    """

    def create_for_a_command() -> Flask:
        with _in_a_sentence():
            return create_app(serves_clients=False)

    @click.group(
        cls=FlaskGroup,
        create_app=create_for_a_command,
        add_default_commands=False,
        add_version_option=False,
        load_dotenv=False,
        set_debug_flag=False,
        invoke_without_command=True,
    )
    @click.pass_context
    def cli(context: click.Context) -> None:
        """Start the service, or look into it. Without a command: run."""
        if context.invoked_subcommand is None:
            # context.invoke(run) would take the defaults, whatever HOST and PORT say.
            with run.make_context("run", [], parent=context) as inner:
                run.invoke(inner)

    @cli.command(with_appcontext=False)
    @click.option("--host", default=_HOST, envvar="HOST", show_default=True, show_envvar=True)
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=_PORT,
        envvar="PORT",
        show_default=True,
        show_envvar=True,
    )
    @click.option(
        "--debug", is_flag=True, help="Reload on changes, and tell clients why they failed."
    )
    @click.option("--reload", is_flag=True, help="Reload on changes.")
    def run(host: str, port: int, debug: bool, reload: bool) -> None:
        """Serve HTTP and Socket.IO, in one process."""
        if debug:
            os.environ["FLASK_DEBUG"] = "1"
        with _in_a_sentence():
            settings = settings_class.load()
            listener = listen(host, port)
            port = listener.getsockname()[1]
            if debug or reload:
                listener.close()
                _run_and_reload(host, port)
                return
            app = create_app(limits.with_open_files(settings))
        click.echo(f"Serving on {_url(host, port)} (press Ctrl+C to stop)", err=True)
        is_first_start = os.environ.get("WATCHFILES_CHANGES", "[]") == "[]"
        if ADVICE and is_first_start and settings.environment == "development":
            click.echo(ADVICE, err=True)
        serve(listener, service_of(app))

    # The application is this package's, whatever the options of Flask's own command say.
    cli.params = [option for option in cli.params if option.name == "help"]
    for command in (shell_command, routes, events, openapi, asyncapi, types, new_view, emit):
        cli.add_command(command)
    return cli


def _run_and_reload(host: str, port: int) -> None:
    """Serve in a process of its own, which starts again when a file of the service changes."""
    try:
        from watchfiles import run_process
    except ModuleNotFoundError as error:
        raise click.ClickException("To reload, install watchfiles: uv sync") from error

    command = [sys.executable, "-m", PACKAGE, "run", "--host", host, "--port", str(port)]
    run_process(FOLDER, target=shlex.join(command), target_type="command")


@click.command()
@with_appcontext
def routes() -> None:
    """List the routes: methods, path, the method of the view, and where it is written."""
    _print_table(
        (route.methods, route.path, route.place.name, str(route.place))
        for route in catalog.routes(current_app)
    )


@click.command()
@with_appcontext
def events() -> None:
    """List the events: namespace, event, the method of the view, and where it is written."""
    _print_table(
        (event.namespace, event.name, event.place.name, str(event.place))
        for event in catalog.events(service_of(current_app).socketio)
    )


@click.command()
@with_appcontext
def openapi() -> None:
    """Print the routes as a document of OpenAPI 3.1."""
    from ..contract import openapi

    _print_json(openapi.document(_contract()))


@click.command()
@with_appcontext
def asyncapi() -> None:
    """Print the events as a document of AsyncAPI 3.0."""
    from ..contract import asyncapi

    _print_json(asyncapi.document(_contract()))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if FILE has drifted.")
@with_appcontext
def types(file: Path | None, check: bool) -> None:
    """Write the types of the events for TypeScript into FILE, or print them."""
    from ..contract import typescript

    text = typescript.module(_contract(), command_name())
    if file is None:
        if check:
            raise click.UsageError("Name the FILE to check.")
        click.echo(text, nl=False)
    elif not check:
        file.write_text(text, encoding="utf-8")
    elif difference := _difference(file, text):
        click.echo(difference)
        raise click.ClickException(
            f"{file} is not what the views promise. Write it: {command_name()} types {file}"
        )


def _contract() -> Contract:
    # Reading it takes modules that no other command needs.
    from ..contract.reading import contract_of

    return contract_of(current_app)


def _difference(file: Path, text: str) -> str:
    """Return how a file differs from a text, line by line; nothing if it does not."""
    there = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = there.splitlines(), text.splitlines()
    return "\n".join(difflib.unified_diff(*lines, str(file), "the views", lineterm=""))


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@click.command()
@click.argument("name")
def new_view(name: str) -> None:
    """Write a view called NAME, and its test, to begin with."""
    with _in_a_sentence():
        view = write_view(name, FOLDER / "views", Path.cwd() / "tests")
    for file in (view.file, *([view.test] if view.test else [])):
        click.echo(catalog.short(file))
    url = _url(os.environ.get("HOST") or _HOST, int(os.environ.get("PORT") or _PORT))
    click.echo(f"\nIt answers at {url}{view.path}, and in the namespace {view.path}.")
    click.echo(f"The service: {command_name()} run --reload")
    if view.test:
        click.echo(f"Its test: uv run pytest {catalog.short(view.test)}")


@click.command()
@click.argument("namespace")
@click.argument("event")
@click.argument("data", nargs=-1)
@click.option("--to", metavar="ROOM", help="Only to this room, or to this client's sid.")
@with_appcontext
def emit(namespace: str, event: str, data: tuple[str, ...], to: str | None) -> None:
    """Send EVENT with DATA, each in JSON, to the clients in NAMESPACE; it takes a broker."""
    with _in_a_sentence():
        socketio = service_of(current_app).socketio
        known = {event.namespace for event in catalog.events(socketio)}
        if namespace not in known:
            raise click.BadParameter(f"{namespace} is none of {', '.join(sorted(known))}.")
        payload = tuple(_json(text) for text in data)
        promised = promises_in(current_app, namespace)
        if promised and all(one.objection(event, payload, payload) for one in promised):
            promised[0].check(event, payload, payload)
        views = [one.view for one in registered_with(current_app)]
        prefixes = [view._room_prefix for view in views if view.namespace == namespace]
        rooms = addressed(to, *prefixes) if to else None
        socketio.server.emit(event, payload, namespace=namespace, to=rooms)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not JSON; a text is '\"in quotes\"'.") from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _print_table(rows: Iterable[tuple[str, ...]]) -> None:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
