"""The place in a shown body that a verdict is about: marked, in view, and indented where there is room."""

import re

from infobip_sms_conformance.client_checks.excerpt import BEGIN, END, truncate
from infobip_sms_conformance.client_checks.json_locations import (
    DocumentSyntaxError,
    Node,
    Span,
    parse_json,
)
from infobip_sms_conformance.client_checks.xml_locations import Element, parse_elements
from infobip_sms_conformance.sanitization.bodies import CLOSE, JSON_TOKENS, OPEN

PLACE = re.compile(r"([A-Za-z]+(?:\[\d+\]|\.[A-Za-z]+)*): ")
STEP = re.compile(r"([A-Za-z]+)|\[(\d+)\]")
SIGNS = re.compile(r"[{}\[\],:]|[^\s{}\[\],:]+")
OPENING, CLOSING = frozenset("{["), frozenset("}]")
LAYOUT = OPENING | CLOSING | {",", ":"}


def find_place(words: str) -> str:
    """Return the path at the beginning of what was got; empty where there is none."""
    found = PLACE.match(words)
    return found[1] if found else ""


def mark_place(body: str, path: str, max_length: int) -> str:
    """Return a body with the place of a path between marks, cut around it where it is long."""
    span = find_span(body, path) if path else None
    if span is not None:
        body = f"{body[: span[0]]}{OPEN}{body[span[0] : span[1]]}{CLOSE}{body[span[1] :]}"
    return truncate(body, max_length).replace(OPEN, BEGIN).replace(CLOSE, END)


def find_span(body: str, path: str) -> Span | None:
    """Return where the place of a path is, or the last place on the way to it that there is."""
    steps = [name or int(index) for name, index in STEP.findall(path)]
    try:
        if body.lstrip().startswith("<"):
            return find_element(parse_elements(body), steps)
        return find_node(parse_json(body), steps)
    except DocumentSyntaxError:
        return None


def find_node(node: Node, steps: list[str | int]) -> Span | None:
    """Return the place of a path below a JSON value."""
    span = None
    for step in steps:
        if isinstance(step, int):
            entries = node.value if node.kind == "array" else []
            found = entries[step] if step < len(entries) else None
        else:
            found = node.find(step)
        if found is None:
            break
        node = found
        span = (
            node.span_with_name if isinstance(step, str) and any(node.span_with_name) else node.span
        )
    return span


def find_element(element: Element, steps: list[str | int]) -> Span | None:
    """Return the place of a path below an XML element; the entries of a list may have a wrapper or none."""
    span, same = None, [element]
    for step in steps:
        if isinstance(step, int):
            entries = same if len(same) > 1 or not same[0].children else same[0].children
            found = entries[step : step + 1]
        else:
            found = [child for child in same[0].children if child.name.rpartition(":")[2] == step]
        if not found:
            break
        same, span = found, found[0].span
    return span


def indent(body: str) -> str:
    """Return a JSON text with a line for each value; anything else, and what breaks off, as it is."""
    try:
        parse_json(body)
    except DocumentSyntaxError:
        return body
    depth, parts = 0, [""]
    for match in JSON_TOKENS.finditer(body):
        is_string = match[0].startswith('"')
        for token in [match[0]] if is_string else SIGNS.findall(match[0]):
            depth += 0 if is_string else (token in OPENING) - (token in CLOSING)
            line = f"\n{'  ' * depth}"
            if is_string or token not in LAYOUT:
                parts.append(token)
            elif token in CLOSING:
                is_empty = parts[-1][:1] in OPENING
                parts[-1:] = [parts[-1].rstrip(), token] if is_empty else [parts[-1], line, token]
            else:
                parts.append(": " if token == ":" else token + line)
    return "".join(parts)
