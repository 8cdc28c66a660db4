"""What stands around a body: method, path, query, and the header fields that name its format.

Lives here: which operation a request is meant for, and what is wrong with how it is addressed.
Never here: Authorization (forms.py), bodies (shapes.py).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from infobip_sms_conformance.client_checks.json_locations import Node
from infobip_sms_conformance.client_checks.schema_check import STRANGERS, Problem, Sheet, check_node
from infobip_sms_conformance.contract.codec import INTEGER, MEDIA_TYPES
from infobip_sms_conformance.contract.files import read_openapi
from infobip_sms_conformance.contract.openapi import Operation, read_operations, resolve
from infobip_sms_conformance.transport.http1 import Heard

ADDRESS, FORMAT, NULLS, TOGETHER = "HTTP-011", "HTTP-012", "HTTP-010", "LOG-005"
NOTHINGS = {"None", "null", "undefined"}
OTHERS = re.compile(
    r"/sms/[12]/(?:text/(?:single|multi|query)|binary/.*|inbox/.*)|/sms/3/.*|/ct/1/processes/.*"
)
"""Operations of the vendor's that the contract does not cover."""
PARAMETER = re.compile(r"\{(\w+)\}")


def find_operation(heard: Heard) -> tuple[Operation | None, str]:
    """Return the operation that a request is meant for, and what it should be addressed as.

    The second is empty where it is addressed well.
    """
    path = find_path(heard)
    named = [o for o in read_operations().values() if build_pattern(o.path).fullmatch(path)]
    for operation in named:
        if operation.method == heard.method:
            return operation, ""
    near = re.sub(r"/+", "/", unquote(path)).rstrip("/").strip().lower()
    close = [
        o
        for o in read_operations().values()
        if build_pattern(o.path, re.IGNORECASE).fullmatch(near)
    ]
    for operation in close:
        if operation.method == heard.method.upper():
            return operation, f"{operation.method} {operation.path}"
    if close:
        return None, " or ".join(f"{operation.method} {operation.path}" for operation in close)
    return None, "a documented path"


def find_path(heard: Heard) -> str:
    """Return the path of a request, without the query."""
    return urlsplit(heard.target).path if "://" in heard.target else heard.target.partition("?")[0]


@cache
def build_pattern(path: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern of the paths of an operation."""
    pieces = PARAMETER.split(path)
    parts = ["[^/]+" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces)]
    return re.compile("".join(parts), flags)


def check_address(sheet: Sheet, heard: Heard) -> Operation | None:
    """Look at method and path; return the operation, if that can be told."""
    operation, wanted = find_operation(heard)
    if OTHERS.fullmatch(find_path(heard)):
        return None
    sheet.looked.add(ADDRESS)
    if wanted:
        got = f"{heard.method} {find_shown_path(heard)}"
        sheet.blame(Problem(ADDRESS, "the address", got, wanted, where="target"))
    return operation


def find_shown_path(heard: Heard) -> str:
    """Return a path that may be shown: a long one may hold anything."""
    path = find_path(heard)
    return path if re.fullmatch(r"[/\w.-]{1,60}", path) and not re.search(r"\d{5}", path) else "…"


# ------------------------------------------------------------------ the query


@cache
def read_parameters(operation_id: str) -> Mapping[str, dict[str, Any]]:
    """Return the parameters of an operation by their names."""
    for item in read_openapi()["paths"].values():
        for member in item.values():
            if isinstance(member, dict) and member.get("operationId") == operation_id:
                return {p["name"]: p for p in member.get("parameters", ()) if p["in"] == "query"}
    return {}


def check_query(sheet: Sheet, heard: Heard, operation: Operation) -> None:
    """Hold every parameter to its schema."""
    known = read_parameters(operation.id)
    given: dict[str, list[str]] = {}
    for pair in filter(None, heard.target.partition("?")[2].split("&")):
        name, _, value = pair.partition("=")
        given.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    for name, values in given.items():
        check_parameter(sheet, name, values, known)
    for name, parameter in known.items():
        schema = resolve(parameter["schema"])
        if parameter.get("required") and name not in given:
            number = schema["x-requirement"]
            sheet.blame(Problem(number, name, "nothing", f"{name}, mandatory", where="target"))
    if "mcc" in known and "mnc" in given:
        sheet.looked.add(TOGETHER)
        if "mcc" not in given:
            sheet.blame(Problem(TOGETHER, "mnc", "no mcc beside it", "mcc as well", where="target"))


def check_parameter(
    sheet: Sheet, name: str, values: list[str], known: Mapping[str, dict[str, Any]]
) -> None:
    """Hold the values of one parameter to its schema."""
    sheet.looked.add(STRANGERS)
    if name not in known:
        sheet.blame(find_stranger(name, known))
        return
    schema = resolve(known[name]["schema"])
    sheet.used.add(f"?{name}")
    several = schema.get("type") == "array"
    if len(values) > 1 and not several:
        got = f"the parameter {len(values)} times"
        sheet.blame(Problem(STRANGERS, name, got, "it once", where="target"))
    inner = resolve(schema["items"]) if several else schema
    for value in values:
        if value in NOTHINGS:
            got, wants = f"the word {value}", "the parameter left out when it has no value"
            sheet.blame(Problem(NULLS, name, got, wants, where="target"))
            continue
        found = Sheet()
        check_node(found, read_value(value, inner), inner, name, schema["x-requirement"])
        sheet.looked |= found.looked - {"TEXT-001"}
        for problem in found.problems:
            sheet.blame(replace(problem, place=None, where="target"))


def find_stranger(name: str, known: Mapping[str, dict[str, Any]]) -> Problem:
    """Return the problem that an unknown parameter is."""
    base = re.sub(r"\[\d*\]$", "", name)
    schema = resolve(known[base]["schema"]) if base in known else {}
    if base != name and schema.get("type") == "array":
        wants = f"{base}=… for each value, without brackets"
        return Problem(schema["x-requirement"], base, f"{name}=…", wants, where="target")
    return Problem(
        STRANGERS,
        base if base in known else "the query",
        "a parameter that nobody knows",
        "documented parameters alone",
        where="target",
    )


def read_value(text: str, schema: dict[str, Any]) -> Node:
    """Return a value of a query as a node."""
    if schema.get("type") == "integer" and INTEGER.fullmatch(text):
        return Node("integer", (0, 0), int(text))
    return Node("string", (0, 0), text)


# ------------------------------------------------------------------ the format


def find_wire(heard: Heard) -> str:
    """Return the format of a request: of its body, or for none the one that is asked for."""
    media = find_media(heard)
    for wire, known in MEDIA_TYPES.items():
        if media == known:
            return wire
    if heard.body.strip():
        return "xml" if heard.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "json"
    return "xml" if MEDIA_TYPES["xml"] in heard.find("accept").lower() else "json"


def find_media(heard: Heard) -> str:
    """Return the content type of a request without its parameters."""
    return heard.find("content-type").partition(";")[0].strip().lower()


def check_format(sheet: Sheet, heard: Heard) -> bool:
    """Look at the content type; tell whether the body is to be read by it."""
    sheet.looked.add(FORMAT)
    media = find_media(heard)
    if media in MEDIA_TYPES.values():
        return True
    got = media[:LONGEST] or "nothing"
    where = "content-type" if media else "head"
    wants = "application/json or application/xml"
    sheet.blame(Problem(FORMAT, "Content-Type", got, wants, where=where))
    return not media or "json" in media or "xml" in media


LONGEST = 60
