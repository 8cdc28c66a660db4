"""Bodies for the eye: every line break and indentation is ours, every other character theirs.

Nothing is parsed, so that a number keeps its digits, a repeated field is seen twice, and a body that
is no document at all is shown as well as it can be.
"""

from __future__ import annotations

import re

_STEP = "  "
_MAX_DEPTH = 40  # levels that are indented; what is deeper stays there
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_BETWEEN_TAGS = re.compile(r"(?<=>)\s*(?=<)")
_TAG = re.compile(r"<(?P<close>/)?(?P<special>[?!])?[^<>]*?(?P<empty>/)?>")


def format_body(body: bytes) -> str:
    """Return a body as text, JSON and XML over several lines."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")):
        return _format_json(text)
    return _format_xml(text) if text.startswith("<") else text


def _format_json(text: str) -> str:
    out: list[str] = []
    depth, before = 0, ""
    for part in _JSON.findall(text):
        if part in ("}", "]"):
            depth = max(depth - 1, 0)
            if before not in ("{", "["):
                out.append(_break(depth))
        elif before in ("{", "[", ","):
            out.append(_break(depth))
        out.append(": " if part == ":" else part)
        depth += part in ("{", "[")
        before = part
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
