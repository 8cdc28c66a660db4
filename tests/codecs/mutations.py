"""Documents that are not quite right: good ones with something changed, at random but repeatable."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

INSTANTS = (
    "2015-07-07T17:00:00.000+01:00",
    "2015-07-07T17:00:00Z",
    "2015-07-07T17:00:00.1234567+0100",
    "2015-07-07T17:00:00+14:01",
    "2015-07-07T17:00:00-23:59",
    "2015-02-30T17:00:00.000+01:00",
    "2015-07-07T24:00:00Z",
    "2015-07-07 17:00:00Z",
    "20150707T170000Z",
    "2015-07-07T17:00:00.000+01:00\n",
    "0001-01-01T00:00:00.000+14:00",
    "9999-12-31T23:59:59.999-14:00",
)
TEXTS = (
    *INSTANTS,
    *(
        "",
        " ",
        "\t\n",
        "0",
        "00",
        "+1",
        "-1",
        "23",
        "24",
        "60",
        "1.0",
        "1.",
        ".5",
        "1e3",
        " 5 ",
        "1_0",
    ),
    *(
        "\u0663",
        "\u00b2",
        "true",
        "false",
        "TRUE",
        " true ",
        "1",
        "NaN",
        "INF",
        "-0",
        "0.0100",
        "+41",
    ),
    *(
        "41793026727",
        "In",
        "InfoSMS",
        "123456789012345",
        "TR",
        "tr",
        " TR",
        "MONDAY",
        "URL",
        "null",
    ),
    *("d" * 201, "9" * 301, "9" * 1001, "\u015f", "\U0001f600", "a\u00a0b", "a & b < c > d", "]]>"),
    *("a\u2028b", "\u0085", "a\nb", "\x7f", "\ufffd", "application/json"),
)
TEXTS_BETWEEN = (
    "",
    " ",
    "\t\n",
    "0",
    "true",
    "TR",
    "\u00b2",
    "\u0085",
    "a\u00a0b",
    "]]>",
    "d" * 201,
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    *(None, True, False, 0, 1, -1, 23, 24, 59, 60, 1.5, 0.1, 1e22, 2**53 + 1, 2**63, 2**64, 2**70),
    *(
        10**300,
        10**310,
        10**1001,
        [],
        {},
        [None],
        [[]],
        [{}],
        {"a": 1},
        {"": None},
        "\ud800",
        "\x00",
    ),
)
NAMES = (
    "news",
    "to",
    "from",
    "text",
    "messages",
    "message",
    "results",
    "result",
    "mccmnc",
    "mccMnc",
)
PIECES = (
    *(
        "<!-- c -->",
        "<![CDATA[x]]>",
        "<![CDATA[]]>",
        "<?pi x?>",
        " ",
        "\n",
        "\u00a0",
        "words",
        "\x0b",
    ),
    *(
        "<news/>",
        "<news>1</news>",
        "<news><a><b>1</b></a></news>",
        "&amp;",
        "&#13;",
        "&#0;",
        "&x;",
        "\r",
    ),
    *("<a>" * 41 + "</a>" * 41, "<a>" * 70 + "</a>" * 70, "<to/>", "<text>again</text>", "<"),
    "<a:to xmlns:a='urn:a'>1</a:to>",
    "<to xmlns='urn:a'>1</to>",
)
ATTRIBUTES = (
    *("a='1'", "xml:space='preserve'", "xmlns:a='urn:a'", "xmlns='urn:a'", "xmlns=''"),
    "xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'",
    "xsi:type='Message' xmlns:xsi='http://www.w3.org/2001/XMLSchema&#45;instance'",
    f"a='{'b' * 9_999}'",
    f"a='{'b' * 10_000}'",
    f"xmlns:a='{'b' * 10_001}'",
)


def mutate_json(body: bytes, random: Random) -> bytes:
    """Change a field or an entry somewhere, once or twice."""
    plain: Any = {"": json.loads(body)}
    for _ in range(random.randint(1, 2)):
        place, key = random.choice(list(_walk(plain)))
        kind = random.choice(("set", "set", "remove", "rename", "double", "add"))
        if kind == "set":
            place[key] = deepcopy(random.choice(VALUES))
        elif kind == "double" and isinstance(place, list):
            place.append(deepcopy(place[key]))
        elif kind == "add" and isinstance(place, dict):
            place[random.choice(NAMES)] = deepcopy(random.choice(VALUES))
        elif kind == "rename" and isinstance(place, dict):
            place[random.choice(NAMES)] = place.pop(key)
        elif len(place) > 1:
            del place[key]
    text = json.dumps(plain.get("", plain), ensure_ascii=random.random() < 0.5)
    return _spoil(text.encode("utf-8", "surrogatepass"), random)


def _walk(node: Any) -> Any:
    """Yield every place of a value: what holds it, and the name or number there."""
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(entries):
        yield node, key
        if isinstance(value, dict | list):
            yield from _walk(value)


def replace_json(body: bytes) -> Iterator[bytes]:
    """Put every value in the place of every field, with one entry in each list."""
    plain: Any = {"": json.loads(body)}
    for place, key in _walk(plain):
        if isinstance(place[key], list):
            del place[key][1:]
    for place, key in list(_walk(plain)):
        kept = place[key]
        for value in VALUES:
            place[key] = value
            yield json.dumps(plain[""]).encode()
        place[key] = kept


def replace_xml(body: bytes) -> Iterator[bytes]:
    """Put every text into every element with a value, and some beside other elements; one entry in each list."""
    root = ET.fromstring(body)  # noqa: S314 - an example
    for parent in list(root.iter()):
        for child in parent[1:]:
            if child.tag == parent[0].tag:
                parent.remove(child)
    for place in list(root.iter()):
        kept = place.text
        for text in TEXTS_BETWEEN if len(place) else TEXTS:
            place.text = text
            yield ET.tostring(root)
        place.text = kept


def mutate_xml(body: bytes, random: Random) -> bytes:
    """Change an element somewhere, and put pieces between the tags."""
    root = ET.fromstring(body)  # noqa: S314 - an example
    for _ in range(random.randint(0, 2)):
        _mutate_element(root, random)
    text = ET.tostring(root, encoding="unicode")
    for _ in range(random.randint(0, 2)):
        place = random.choice([i for i, letter in enumerate(text) if letter in "<>"])
        attribute = text[place] == ">" and text[place - 1] not in "/-?" and random.random() < 0.3
        piece = f" {random.choice(ATTRIBUTES)}" if attribute else random.choice(PIECES)
        at = place if attribute or text[place] == "<" else place + 1
        text = text[:at] + piece + text[at:]
    return _spoil(_encode(text, random), random)


def _mutate_element(root: ET.Element, random: Random) -> None:
    parent = random.choice([element for element in root.iter() if len(element)] or [root])
    if not len(parent):
        return
    place = random.randrange(len(parent))
    child = parent[place]
    kind = random.choice(("text", "text", "remove", "rename", "double", "turn", "empty"))
    if kind == "text":
        child.text = random.choice(TEXTS)
    elif kind == "remove":
        parent.remove(child)
    elif kind == "rename":
        child.tag = random.choice(NAMES)
    elif kind == "double":
        parent.append(deepcopy(child))
    elif kind == "turn":
        parent[:] = reversed(parent)
    else:
        child.clear()


def _encode(text: str, random: Random) -> bytes:
    """Write a document in one of the ways that are read."""
    kind = random.choice(("plain", "plain", "declared", "utf-16", "latin-1", "signed"))
    if kind == "utf-16":
        return f"<?xml version='1.0' encoding='UTF-16'?>{text}".encode("utf-16", "surrogatepass")
    if kind == "latin-1":
        declared = f"<?xml version='1.0' encoding='iso-8859-1'?>{text}"
        return declared.encode("latin-1", "xmlcharrefreplace")
    opening = {"declared": '<?xml version="1.0" encoding="UTF-8"?>\n'}.get(kind, "")
    sign = b"\xef\xbb\xbf" if kind == "signed" else b""
    return sign + f"{opening}{text}".encode("utf-8", "surrogatepass")


def _spoil(body: bytes, random: Random) -> bytes:
    """Now and then cut a piece out, or put a byte in."""
    if random.random() < 0.9 or not body:
        return body
    start = random.randrange(len(body))
    return (
        body[:start]
        + random.choice((b"", b"\xff", b"\x00", b" "))
        + body[start + random.randint(0, 3) :]
    )
