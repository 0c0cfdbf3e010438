# Owned by the template: an update may change this file.
"""AsyncAPI 3.0: the events of a contract (https://www.asyncapi.com/docs/reference/specification).

A namespace is a channel, an event a message whose payload is the array of its arguments, and an ack
the reply. What Socket.IO has and the specification has no binding for stands under ``x-`` keys.
"""

from __future__ import annotations

import re
from typing import Any

from .structure import Contract, Method, Schema, View, limits_of


def document(contract: Contract) -> dict[str, Any]:
    """Return the document, in JSON's types.

    :param contract: what the service promises.
    """
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for view in contract.views:
        if view.namespace is None:
            continue
        key = _key(view.namespace)
        channel = channels.setdefault(
            key, {"address": view.namespace, "description": "", "messages": {}}
        )
        _describe(channel, view)
        for method in view.methods:
            for event in method.events:
                _receives(channel, operations, key, view, method, event, contract.problem)
        for event, arguments in (view.sends or {}).items():
            _sends(channel, operations, key, view, event, arguments)
    return {
        "asyncapi": "3.0.0",
        "info": contract.info,
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": contract.schemas},
        "x-protocol": {"name": "Socket.IO", "version": 5, "path": "/socket.io/"},
    }


def _describe(channel: dict[str, Any], view: View) -> None:
    """Add what a view says of its namespace, which it may share with others."""
    channel["description"] = "\n\n".join(filter(None, [channel["description"], view.doc]))
    if view.auth is not None:
        channel["x-handshake"] = {"auth": view.auth}
    if view.limits:
        channel.setdefault("x-handshake", {}).update(limits_of(view.limits))
    if view.sends is None:
        channel["x-sends"] = "unspecified"


def _receives(
    channel: dict[str, Any],
    operations: dict[str, Any],
    key: str,
    view: View,
    method: Method,
    event: str,
    problem: Schema,
) -> None:
    """Add an event that clients send, and its ack."""
    message, ack = f"{_key(event)}.event", f"{_key(event)}.ack"
    channel["messages"][message] = {
        "name": event,
        "payload": _arguments(method),
        "x-arguments": [parameter.name for parameter in method.parameters],
    }
    channel["messages"][ack] = {"name": event, "payload": _answer_of(method.ack, problem)}
    operations[f"{key}.{_key(event)}.receive"] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{key}"},
        **method.words,
        "tags": [{"name": view.name}],
        "messages": [{"$ref": f"#/channels/{key}/messages/{message}"}],
        "reply": {
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/{ack}"}],
        },
        "x-errors": [{"status": error.status, "detail": error.detail} for error in method.errors],
        **limits_of(method.limits),
    }


def _sends(
    channel: dict[str, Any],
    operations: dict[str, Any],
    key: str,
    view: View,
    event: str,
    arguments: Schema,
) -> None:
    """Add an event that the service sends by itself; two views may send the same one."""
    message = f"{_key(event)}.sent"
    known = channel["messages"].get(message)
    if known and known["payload"] != arguments:
        arguments = {"anyOf": [known["payload"], arguments]}
    channel["messages"][message] = {"name": event, "payload": arguments}
    operation = operations.setdefault(
        f"{key}.{_key(event)}.send",
        {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "tags": [],
            "messages": [{"$ref": f"#/channels/{key}/messages/{message}"}],
        },
    )
    operation["tags"].append({"name": view.name})


def _arguments(method: Method) -> Schema:
    """Return the schema of the arguments of an event, as one array."""
    required = sum(parameter.required for parameter in method.parameters)
    schema: Schema = {"type": "array"}
    if method.parameters:
        schema["prefixItems"] = [parameter.schema for parameter in method.parameters]
    schema["minItems"] = required
    if not method.rest:
        schema["maxItems"] = len(method.parameters)
    return schema


def _answer_of(ack: Schema | None, problem: Schema) -> Schema:
    """Return the schema of the arguments of an ack: what the method gives, or the problem."""
    failed = {
        "type": "array",
        "prefixItems": [
            {"type": "object", "properties": {"error": problem}, "required": ["error"]}
        ],
        "minItems": 1,
        "maxItems": 1,
    }
    return {"anyOf": [ack or {"type": "array"}, failed]}


def _key(name: str) -> str:
    """Return a name that can be a key of the document: letters, digits, dots, dashes, lines."""
    spelled = re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}", name.strip("/"))
    # No other name has a letter behind a dot that is none of a number.
    return spelled or ".root"
