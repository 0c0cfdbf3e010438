# Owned by the template: an update may change this file.
"""TypeScript: the events of a contract, for the official client.

Its convention (https://socket.io/docs/v4/typescript/) is a map of functions for each direction. An
event with optional arguments takes a rest parameter that is a union of tuples, because
``emitWithAck`` reads the last of several overloads only.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from .structure import REFERENCE, Contract, Method, Schema, View

WRITTEN_BY = "// Written by `{} types`; do not edit."
"""The first line of the module, with the command of the service."""

_TAKEN = {"Ack", "Auth", "ClientSocket", "ClientToServerEvents", "ServerToClientEvents", "Socket"}
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
# What cannot name a parameter there; Python itself reserves the others.
_RESERVED = re.compile(
    "ack|arguments|case|catch|const|debugger|default|delete|do|enum|eval|export|extends|false|"
    "function|instanceof|new|null|super|switch|this|throw|true|typeof|var|void"
)
_SIMPLE = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def module(contract: Contract, command: str) -> str:
    """Return the text of a module.

    :param contract: what the service promises.
    :param command: how the service is called: ``uv run board``.
    """
    writer = _Writer(contract)
    by_namespace: dict[str, list[View]] = defaultdict(list)
    for view in contract.views:
        if view.namespace is not None:
            by_namespace[view.namespace].append(view)
    spelled = _spelled(sorted(by_namespace))
    return "\n".join(
        [
            WRITTEN_BY.format(command),
            "",
            'import type { Socket as ClientSocket } from "socket.io-client";',
            "",
            "/** What takes an ack: the answer, or why there is none. */",
            f"type Ack<T> = (answer: T | {writer.failure}) => void;",
            *(line for name in contract.schemas for line in writer.declaration(name)),
            *(
                line
                for namespace, views in sorted(by_namespace.items())
                for line in writer.namespace(namespace, spelled[namespace], views)
            ),
            "",
        ]
    )


class _Writer:
    """Writes types, given the names of those that others refer to."""

    def __init__(self, contract: Contract) -> None:
        self._schemas = contract.schemas
        self._names = _spelled(contract.schemas)
        self.failure = _braced(f"error: {self.type(contract.problem)}")

    def declaration(self, name: str) -> Iterator[str]:
        """Yield the lines of a type that others refer to."""
        schema = self._schemas[name]
        yield ""
        yield from _comment(schema.get("description", ""))
        if schema.get("properties"):
            yield f"export interface {self._names[name]} " + "{"
            yield from _indented(self._properties(schema))
            yield "}"
        else:
            yield f"export type {self._names[name]} = {self.type(schema)};"

    def namespace(self, namespace: str, name: str, views: list[View]) -> Iterator[str]:
        """Yield the lines for a namespace, which several views may have together."""
        yield ""
        yield from _comment(f"The namespace {namespace}.")
        yield f"export declare namespace {name} " + "{"
        for view in views:
            if view.auth is not None:
                yield from _indented(_comment("What a client sends along to connect."))
                yield f"  type Auth = {self.type(view.auth)};"
        yield "  interface ServerToClientEvents {"
        yield from _indented(_indented(self._sent(views)))
        yield "  }"
        yield "  interface ClientToServerEvents {"
        for view in views:
            for method in view.methods:
                for event in method.events:
                    yield from _indented(_indented(self._event(event, method)))
        yield "  }"
        yield "  type Socket = ClientSocket<ServerToClientEvents, ClientToServerEvents>;"
        yield "}"

    def type(self, schema: Any) -> str:
        """Return the type of what a schema describes."""
        if not isinstance(schema, dict):
            return "unknown" if schema else "never"
        if "$ref" in schema:
            return self._names[schema["$ref"].removeprefix(REFERENCE.format(model=""))]
        if "const" in schema:
            return json.dumps(schema["const"], ensure_ascii=False)
        if "enum" in schema:
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
        for key, sign in (("anyOf", " | "), ("oneOf", " | "), ("allOf", " & ")):
            if key in schema:
                return sign.join(dict.fromkeys(_grouped(self.type(one)) for one in schema[key]))
        kind = schema.get("type")
        if isinstance(kind, list):
            return " | ".join(_grouped(self.type({**schema, "type": one})) for one in kind)
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        if schema.get("format") == "binary":
            return "string | ArrayBuffer"
        return _SIMPLE.get(str(kind), "unknown")

    def _array(self, schema: Schema) -> str:
        more = schema.get("items", schema.get("maxItems") is None)
        if "prefixItems" not in schema:
            if schema.get("maxItems") == 0:
                return "[]"
            return f"{_grouped(self.type(more))}[]"
        least = schema.get("minItems", 0)
        parts = [
            _grouped(self.type(part)) + ("?" if number >= least else "")
            for number, part in enumerate(schema["prefixItems"])
        ]
        if more:
            parts.append(f"...{_grouped(self.type(more))}[]")
        return f"[{', '.join(parts)}]"

    def _object(self, schema: Schema) -> str:
        if schema.get("properties"):
            return _braced(" ".join(self._properties(schema, documented=False)))
        return _braced(f"[key: string]: {self.type(schema.get('additionalProperties', True))}")

    def _properties(self, schema: Schema, *, documented: bool = True) -> Iterator[str]:
        required = schema.get("required", ())
        for name, kind in schema["properties"].items():
            if documented and isinstance(kind, dict):
                yield from _comment(kind.get("description", ""))
            yield f"{_key(name)}{'' if name in required else '?'}: {self.type(kind)};"
        if schema.get("additionalProperties"):
            # The properties above must be of its type, too.
            yield "[key: string]: unknown;"

    def _sent(self, views: Iterable[View]) -> Iterator[str]:
        """Yield the lines of what the server sends by itself."""
        sent: dict[str, list[Schema]] = defaultdict(list)
        for view in views:
            for event, arguments in (view.sends or {}).items():
                sent[event].append(arguments)
        if any(view.sends is None for view in views):
            yield "// A view does not say what it sends."
            yield "[event: string]: (...args: any[]) => void;"
        for event, forms in sent.items():
            kinds = " | ".join(dict.fromkeys(map(self.type, forms)))
            single = re.fullmatch(r"\[([^\[\],?]+)\]", kinds)
            form = f"data: {single[1]}" if single else f"...args: {kinds}"
            yield f"{_key(event)}: ({form}) => void;"

    def _event(self, event: str, method: Method) -> Iterator[str]:
        """Yield the lines of an event that a client sends."""
        yield from _comment(method.doc)
        ack = f"ack: {self._ack(method.ack)}"
        arguments = [
            f"{_label(parameter.name)}: {self.type(parameter.schema)}"
            for parameter in method.parameters
        ]
        if method.rest:
            # TypeScript has no way to say that something follows them.
            yield f"{_key(event)}: (...args: any[]) => void;"
            return
        least = sum(parameter.required for parameter in method.parameters)
        forms = [[*arguments[:count], ack] for count in range(least, len(arguments) + 1)]
        if len(forms) == 1:
            yield f"{_key(event)}: ({', '.join(forms[0])}) => void;"
            return
        yield f"{_key(event)}: ("
        yield "  ...args:"
        yield from (f"    | [{', '.join(form)}]" for form in forms)
        yield ") => void;"

    def _ack(self, ack: Schema | None) -> str:
        """Return the type of the function that takes an ack."""
        if not ack:
            return "Ack<any>"
        options = [option.get("prefixItems", []) for option in ack.get("anyOf", [ack])]
        first, *others = [
            " | ".join(
                dict.fromkeys("undefined" if one is None else self.type(one) for one in column)
            )
            for column in zip_longest(*options)
        ] or ["undefined"]
        if not others:
            return f"Ack<{first}>"
        # Of a problem, nothing follows.
        more = [f"more{number}?: {kind}" for number, kind in enumerate(others, 1)]
        return f"({', '.join([f'answer: {first} | {self.failure}', *more])}) => void"


def _spelled(names: Iterable[str]) -> dict[str, str]:
    """Return a name for each that TypeScript allows; no two are the same."""
    found: dict[str, str] = {}
    for name in names:
        words = re.findall(r"\w+", name, re.ASCII)
        spelled = "".join(word[:1].upper() + word[1:] for word in words) or "Root"
        if not _IDENTIFIER.fullmatch(spelled) or spelled in _TAKEN:
            spelled = f"The{spelled}"
        number, free = 1, spelled
        while free in found.values():
            number += 1
            free = f"{spelled}{number}"
        found[name] = free
    return found


def _key(name: str) -> str:
    """Return a key of an object."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _label(name: str) -> str:
    """Return the name of a parameter; Python allows some that TypeScript keeps for itself."""
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def _braced(members: str) -> str:
    """Return the type of an object with members."""
    return "{ " + members + " }"


def _grouped(kind: str) -> str:
    """Put a type that has several parts in brackets."""
    return f"({kind})" if re.search(r" [|&] ", kind) else kind


def _comment(text: str) -> Iterator[str]:
    """Yield the lines of a comment that no text can end."""
    lines = text.replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        yield f"/** {lines[0]} */"
    elif lines:
        yield "/**"
        yield from (f" * {line}".rstrip() for line in lines)
        yield " */"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    yield from (f"  {line}" for line in lines)
