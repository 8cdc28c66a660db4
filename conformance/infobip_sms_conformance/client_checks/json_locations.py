"""JSON with the place of every value, so that it can be pointed at.

Lives here: the node that all judging of bodies works on, and how it is read from JSON.
Never here: XML (trees.py); what a value should be.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

SPACE = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"', re.DOTALL)
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
WORDS = {"true": True, "false": False, "null": None}
DEEPEST = 60
Place = tuple[int, int]
"""Where something begins and ends, in characters of the body."""


class NoDocument(ValueError):
    """The text is no document; ``at`` is the character at which that shows."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True)
class Node:
    """A value with its place; ``kind`` is the JSON type, or ``text`` for anything that XML holds."""

    kind: str
    place: Place
    value: Any = field(default=None, repr=False)
    """A single value; members by their names, or a list of nodes."""
    whole: Place = (0, 0)
    """The place with the name of the member."""
    repeated: tuple[str, ...] = ()
    """Members that the object names twice."""

    def find(self, name: str) -> "Node | None":
        """Return a member of an object."""
        return self.value.get(name) if self.kind == "object" else None

    def build_plain(self) -> Any:
        """Return the value as plain data."""
        if self.kind == "object":
            return {name: node.build_plain() for name, node in self.value.items()}
        if self.kind == "array":
            return [node.build_plain() for node in self.value]
        return self.value


def parse_json(text: str) -> Node:
    """Return the value that a JSON text is; NoDocument when it is none."""
    start = skip(text, 1 if text.startswith("\ufeff") else 0)
    node, end = read_value(text, start, 0)
    if (end := skip(text, end)) < len(text):
        raise NoDocument("something stands behind the document", end)
    return node


def skip(text: str, at: int) -> int:
    """Return where the white space ends."""
    match = SPACE.match(text, at)
    assert match is not None, "it may be empty"
    return match.end()


def read_value(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the value that begins at a character, and where it ends."""
    if depth > DEEPEST:
        raise NoDocument("nested too deeply", at)
    sign = text[at : at + 1]
    if sign == "{":
        return read_object(text, at, depth)
    if sign == "[":
        return read_array(text, at, depth)
    if sign == '"':
        value, end = read_string(text, at)
        return Node("string", (at, end), value, (at, end)), end
    for word, constant in WORDS.items():
        if text.startswith(word, at):
            kind = "null" if constant is None else "boolean"
            end = at + len(word)
            return Node(kind, (at, end), constant, (at, end)), end
    return read_number(text, at)


def read_number(text: str, at: int) -> tuple[Node, int]:
    """Return the number that begins at a character."""
    match = NUMBER.match(text, at)
    if match is None:
        raise NoDocument("no JSON value" if at < len(text) else "it breaks off", at)
    fraction = bool(match[1] or match[2])
    kind, value = ("number", match[0]) if fraction else ("integer", int(match[0][:400]))
    return Node(kind, match.span(), value, match.span()), match.end()


def read_string(text: str, at: int) -> tuple[str, int]:
    """Return the string that begins at a character."""
    match = STRING.match(text, at)
    if match is None:
        raise NoDocument("a string that is not ended, or that holds a control character", at)
    try:
        return str(json.loads(match[0])), match.end()
    except ValueError:
        raise NoDocument("a string with an escape that there is not", at) from None


def read_array(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the list that begins at a character."""
    items: list[Node] = []
    end = skip(text, at + 1)
    if text.startswith("]", end):
        return Node("array", (at, end + 1), items, (at, end + 1)), end + 1
    while True:
        item, end = read_value(text, end, depth + 1)
        items.append(item)
        end = skip(text, end)
        if text.startswith("]", end):
            return Node("array", (at, end + 1), items, (at, end + 1)), end + 1
        end = skip(text, expect(text, end, ","))


def read_object(text: str, at: int, depth: int) -> tuple[Node, int]:
    """Return the object that begins at a character."""
    members: dict[str, Node] = {}
    repeated: list[str] = []
    end = skip(text, at + 1)
    while not text.startswith("}", end):
        begin = end
        if not text.startswith('"', end):
            raise NoDocument("no name of a member" if end < len(text) else "it breaks off", end)
        name, end = read_string(text, end)
        end = skip(text, expect(text, skip(text, end), ":"))
        node, end = read_value(text, end, depth + 1)
        repeated += [name] if name in members else []
        members[name] = Node(node.kind, node.place, node.value, (begin, end), node.repeated)
        end = skip(text, end)
        if not text.startswith("}", end):
            end = skip(text, expect(text, end, ","))
            if text.startswith("}", end):
                raise NoDocument("a comma before the end of an object", end)
    place = (at, end + 1)
    return Node("object", place, members, place, tuple(repeated)), end + 1


def expect(text: str, at: int, sign: str) -> int:
    """Return where a sign ends that has to stand at a character."""
    if not text.startswith(sign, at):
        raise NoDocument(f"no {sign} where one belongs" if at < len(text) else "it breaks off", at)
    return at + 1
