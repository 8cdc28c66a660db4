"""Bodies that cannot be read as their format, made from good ones; which of them each operation gets."""

import re
from collections.abc import Iterator, Mapping, Sequence

INSERTED: Mapping[str, tuple[str, bytes]] = {
    "not-a-number": ("json", b'"x":NaN,'),
    "control-character": ("json", b'"x":"a\nb",'),
    "comma-too-many": ("json", b'"x":[1,],'),
    "comment": ("json", b"/* x */"),
    "single-quotes": ("json", b"'x':1,"),
    "bare-ampersand": ("xml", b"<x>a & b</x>"),
}
"""Syntax that lenient parsers take, in a field that is not documented, so that nothing but the parser minds it."""
UNREADABLE = ("cut-off", "other-format", "nothing", "trailing", "not-utf-8", *INSERTED)
IN_ONE_FORMAT = {
    "nothing": "json",
    "not-utf-8": "json",
    **{kind: wire for kind, (wire, _) in INSERTED.items()},
}
CLOSING_BYTES = {"json": b"}", "xml": b"</"}
NOT_UTF_8 = b'"x":"\xff\xfe",'
ELSEWHERE: Mapping[str, Sequence[str]] = {
    "json": (
        "trailing",
        "not-utf-8",
        "not-a-number",
        "control-character",
        "comma-too-many",
        "comment",
    ),
    "xml": ("bare-ampersand",),
}
"""What every other operation than that of version 2 gets, by the format.

Not what every parser rejects: one of the others shows what an operation makes of an error of the parser.
Whoever takes strings in single quotes takes comments as well.
"""


def break_body(whole: bytes, wire: str, kind: str, other: bytes = b"") -> bytes:
    """Return a body of a kind that cannot be read; other: the same document in the other format."""
    made = {
        "cut-off": whole[: whole.rindex(CLOSING_BYTES[wire])],
        "other-format": other,
        "nothing": b"",
        "trailing": whole + whole,
        "not-utf-8": insert(whole, "json", NOT_UTF_8),
    }
    return made[kind] if kind in made else insert(whole, *INSERTED[kind])


def insert(whole: bytes, wire: str, text: bytes) -> bytes:
    """Return a document with a text before its first field."""
    start = rb"\{" if wire == "json" else rb"<\w[^>]*>"
    return re.sub(start, lambda found: found[0] + text, whole, count=1)


def assign_kinds(operations: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield operations with a format and a kind that they get."""
    for wire, kinds in ELSEWHERE.items():
        yield from ((operation, wire, kind) for operation in operations for kind in kinds)
