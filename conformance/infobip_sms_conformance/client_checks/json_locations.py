"""JSON with the place of every value, so that it can be pointed at."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

SPACE = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"', re.DOTALL)
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
LITERALS = {"true": True, "false": False, "null": None}
MAX_DEPTH = 60
Span = tuple[int, int]
"""Where something begins and ends, in characters of the body."""


class DocumentSyntaxError(ValueError):
    """The text is not a document; ``position`` is the character at which that shows."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


@dataclass(frozen=True)
class Node:
    """A value with its place; ``kind`` is the JSON type, or ``text`` for anything that XML holds."""

    kind: str
    span: Span
    value: Any = field(default=None, repr=False)
    """A single value; fields by their names, or a list of nodes."""
    span_with_name: Span = (0, 0)
    """The place with the name of the field."""
    repeated: tuple[str, ...] = ()
    """Fields that the object names twice."""

    def find(self, name: str) -> "Node | None":
        """Return a field of an object."""
        return self.value.get(name) if self.kind == "object" else None

    def to_plain(self) -> Any:
        """Return the value as plain data."""
        if self.kind == "object":
            return {name: node.to_plain() for name, node in self.value.items()}
        if self.kind == "array":
            return [node.to_plain() for node in self.value]
        return self.value


def parse_json(text: str) -> Node:
    """Return the value that a JSON text is; NoDocument when it is none."""
    start = skip_whitespace(text, 1 if text.startswith("\ufeff") else 0)
    node, end = parse_value(text, start, 0)
    if (end := skip_whitespace(text, end)) < len(text):
        raise DocumentSyntaxError("trailing data after the document", end)
    return node


def skip_whitespace(text: str, at: int) -> int:
    """Return where the white space ends."""
    match = SPACE.match(text, at)
    assert match is not None, "it may be empty"
    return match.end()


def parse_value(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the value that begins at a character, and where it ends."""
    if depth > MAX_DEPTH:
        raise DocumentSyntaxError("nested too deeply", at)
    sign = text[at : at + 1]
    if sign == "{":
        return parse_object(text, at, depth)
    if sign == "[":
        return parse_array(text, at, depth)
    if sign == '"':
        value, end = parse_string(text, at)
        return Node("string", (at, end), value, (at, end)), end
    for word, constant in LITERALS.items():
        if text.startswith(word, at):
            kind = "null" if constant is None else "boolean"
            end = at + len(word)
            return Node(kind, (at, end), constant, (at, end)), end
    return parse_number(text, at)


def parse_number(text: str, at: int) -> tuple[Node, int]:
    """Return the number that begins at a character."""
    match = NUMBER.match(text, at)
    if match is None:
        raise DocumentSyntaxError("no JSON value" if at < len(text) else "it breaks off", at)
    fraction = bool(match[1] or match[2])
    kind, value = ("number", match[0]) if fraction else ("integer", int(match[0][:400]))
    return Node(kind, match.span(), value, match.span()), match.end()


def parse_string(text: str, at: int) -> tuple[str, int]:
    """Return the string that begins at a character."""
    match = STRING.match(text, at)
    if match is None:
        raise DocumentSyntaxError(
            "a string that is not ended, or that holds a control character", at
        )
    try:
        return str(json.loads(match[0])), match.end()
    except ValueError:
        raise DocumentSyntaxError("a string with an escape that there is not", at) from None


def parse_array(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the list that begins at a character."""
    items: list[Node] = []
    end = skip_whitespace(text, at + 1)
    if text.startswith("]", end):
        return Node("array", (at, end + 1), items, (at, end + 1)), end + 1
    while True:
        item, end = parse_value(text, end, depth + 1)
        items.append(item)
        end = skip_whitespace(text, end)
        if text.startswith("]", end):
            return Node("array", (at, end + 1), items, (at, end + 1)), end + 1
        end = skip_whitespace(text, expect(text, end, ","))


def parse_object(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the object that begins at a character."""
    fields: dict[str, Node] = {}
    repeated: list[str] = []
    end = skip_whitespace(text, at + 1)
    while not text.startswith("}", end):
        begin = end
        if not text.startswith('"', end):
            raise DocumentSyntaxError(
                "no name of a field" if end < len(text) else "it breaks off", end
            )
        name, end = parse_string(text, end)
        end = skip_whitespace(text, expect(text, skip_whitespace(text, end), ":"))
        node, end = parse_value(text, end, depth + 1)
        repeated += [name] if name in fields else []
        fields[name] = Node(node.kind, node.span, node.value, (begin, end), node.repeated)
        end = skip_whitespace(text, end)
        if not text.startswith("}", end):
            end = skip_whitespace(text, expect(text, end, ","))
            if text.startswith("}", end):
                raise DocumentSyntaxError("a comma before the end of an object", end)
    place = (at, end + 1)
    return Node("object", place, fields, place, tuple(repeated)), end + 1


def expect(text: str, at: int, token: str) -> int:
    """Return where a sign ends that has to are at a character."""
    if not text.startswith(token, at):
        raise DocumentSyntaxError(
            f"no {token} where one belongs" if at < len(text) else "it breaks off", at
        )
    return at + 1
