"""Pretty-prints JSON and XML bodies by adding line breaks and indentation only.

Nothing is parsed, so that numbers keep their digits, repeated fields stay repeated and malformed bodies
are still shown.
"""

from __future__ import annotations

import re

_STEP = "  "
_MAX_DEPTH = 40  # deeper levels are not indented further
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_BETWEEN_TAGS = re.compile(r"(?<=>)\s*(?=<)")
_TAG = re.compile(r"<(?P<close>/)?(?P<special>[?!])?[^<>]*?(?P<empty>/)?>")


def format_body(body: bytes) -> str:
    """Return a body as text, with JSON and XML indented."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")):
        return _format_json(text)
    return _format_xml(text) if text.startswith("<") else text


def _format_json(text: str) -> str:
    out: list[str] = []
    depth, before = 0, ""
    for symbol in _JSON.findall(text):
        if symbol in ("}", "]"):
            depth = max(depth - 1, 0)
            if before not in ("{", "["):
                out.append(_break(depth))
        elif before in ("{", "[", ","):
            out.append(_break(depth))
        out.append(": " if symbol == ":" else symbol)
        depth += symbol in ("{", "[")
        before = symbol
    return "".join(out)


def _format_xml(text: str) -> str:
    lines: list[str] = []
    depth = 0
    for part in _BETWEEN_TAGS.split(text):
        tags = [tag for tag in _TAG.finditer(part) if not tag["special"] and not tag["empty"]]
        closing = sum(1 for tag in tags if tag["close"])
        change = len(tags) - 2 * closing
        depth = max(depth + min(change, 0), 0)
        lines.append(_break(depth)[1:] + part)
        depth += max(change, 0)
    return "\n".join(lines)


def _break(depth: int) -> str:
    return "\n" + _STEP * min(depth, _MAX_DEPTH)
