"""Checks of a request outside its body: method, path, query, and content type."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from infobip_sms_conformance.client_checks.json_locations import Node
from infobip_sms_conformance.client_checks.schema_check import (
    UNKNOWN_FIELD,
    RequestFindings,
    RequestViolation,
    check_node,
)
from infobip_sms_conformance.contract.codec import INTEGER, MEDIA_TYPES
from infobip_sms_conformance.contract.files import read_openapi
from infobip_sms_conformance.contract.openapi import Operation, read_operations, resolve
from infobip_sms_conformance.transport.http1 import CapturedExchange

ADDRESS, FORMAT, NULL_VALUE, MCC_WITH_MNC = "HTTP-011", "HTTP-012", "HTTP-010", "LOG-005"
NULL_WORDS = {"None", "null", "undefined"}
UNCOVERED_PATHS = re.compile(
    r"/sms/[12]/(?:text/(?:single|multi|query)|binary/.*|inbox/.*)|/sms/3/.*|/ct/1/processes/.*"
)
"""Operations of the vendor that the contract does not cover."""
PARAMETER = re.compile(r"\{(\w+)\}")


def match_operation(captured: CapturedExchange) -> tuple[Operation | None, str]:
    """Return the operation that a request is meant for, and its correct address.

    The second is empty if the address is correct.
    """
    path = get_path(captured)
    named = [o for o in read_operations().values() if build_pattern(o.path).fullmatch(path)]
    for operation in named:
        if operation.method == captured.method:
            return operation, ""
    near = re.sub(r"/+", "/", unquote(path)).rstrip("/").strip().lower()
    close = [
        o
        for o in read_operations().values()
        if build_pattern(o.path, re.IGNORECASE).fullmatch(near)
    ]
    for operation in close:
        if operation.method == captured.method.upper():
            return operation, f"{operation.method} {operation.path}"
    if close:
        return None, " or ".join(f"{operation.method} {operation.path}" for operation in close)
    return None, "a documented path"


def get_path(captured: CapturedExchange) -> str:
    """Return the path of a request, without the query."""
    return (
        urlsplit(captured.target).path
        if "://" in captured.target
        else captured.target.partition("?")[0]
    )


@cache
def build_pattern(path: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern of the paths of an operation."""
    pieces = PARAMETER.split(path)
    parts = ["[^/]+" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces)]
    return re.compile("".join(parts), flags)


def check_address(findings: RequestFindings, captured: CapturedExchange) -> Operation | None:
    """Check method and path; return the operation, if it can be determined."""
    operation, expected_address = match_operation(captured)
    if UNCOVERED_PATHS.fullmatch(get_path(captured)):
        return None
    findings.checked.add(ADDRESS)
    if expected_address:
        got = f"{captured.method} {format_path(captured)}"
        findings.add_violation(
            RequestViolation(ADDRESS, "the address", got, expected_address, part="target")
        )
    return operation


def format_path(captured: CapturedExchange) -> str:
    """Return a path that may be shown; a long one may contain anything."""
    path = get_path(captured)
    return path if re.fullmatch(r"[/\w.-]{1,60}", path) and not re.search(r"\d{5}", path) else "…"


# ------------------------------------------------------------------ the query


@cache
def get_query_parameters(operation_id: str) -> Mapping[str, dict[str, Any]]:
    """Return the parameters of an operation by their names."""
    for item in read_openapi()["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                return {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
    return {}


def check_query(
    findings: RequestFindings, captured: CapturedExchange, operation: Operation
) -> None:
    """Check every parameter against its schema."""
    known = get_query_parameters(operation.id)
    given: dict[str, list[str]] = {}
    for pair in filter(None, captured.target.partition("?")[2].split("&")):
        name, _, value = pair.partition("=")
        given.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    for name, values in given.items():
        check_parameter(findings, name, values, known)
    for name, parameter in known.items():
        schema = resolve(parameter["schema"])
        if parameter.get("required") and name not in given:
            requirement_id = schema["x-requirement"]
            findings.add_violation(
                RequestViolation(
                    requirement_id, name, "nothing", f"{name}, which is mandatory", part="target"
                )
            )
    if "mcc" in known and "mnc" in given:
        findings.checked.add(MCC_WITH_MNC)
        if "mcc" not in given:
            findings.add_violation(
                RequestViolation(
                    MCC_WITH_MNC, "mnc", "no mcc beside it", "mcc as well", part="target"
                )
            )


def check_parameter(
    findings: RequestFindings, name: str, values: list[str], known: Mapping[str, dict[str, Any]]
) -> None:
    """Check the values of one parameter against its schema."""
    findings.checked.add(UNKNOWN_FIELD)
    if name not in known:
        findings.add_violation(build_unknown_parameter_violation(name, known))
        return
    schema = resolve(known[name]["schema"])
    findings.used_fields.add(f"?{name}")
    several = schema.get("type") == "array"
    if len(values) > 1 and not several:
        got = f"the parameter {len(values)} times"
        findings.add_violation(RequestViolation(UNKNOWN_FIELD, name, got, "it once", part="target"))
    inner = resolve(schema["items"]) if several else schema
    for value in values:
        if value in NULL_WORDS:
            got, expected = f"the word {value}", "the parameter left out when it has no value"
            findings.add_violation(RequestViolation(NULL_VALUE, name, got, expected, part="target"))
            continue
        found = RequestFindings()
        check_node(found, parse_value(value, inner), inner, name, schema["x-requirement"])
        findings.checked |= found.checked - {"TEXT-001"}
        for violation in found.violations:
            findings.add_violation(replace(violation, span=None, part="target"))


def build_unknown_parameter_violation(
    name: str, known: Mapping[str, dict[str, Any]]
) -> RequestViolation:
    """Return the violation of an unknown parameter."""
    base = re.sub(r"\[\d*\]$", "", name)
    schema = resolve(known[base]["schema"]) if base in known else {}
    if base != name and schema.get("type") == "array":
        expected = f"{base}=… for each value, without brackets"
        return RequestViolation(schema["x-requirement"], base, f"{name}=…", expected, part="target")
    return RequestViolation(
        UNKNOWN_FIELD,
        base if base in known else "the query",
        "an undocumented parameter",
        "documented parameters only",
        part="target",
    )


def parse_value(text: str, schema: dict[str, Any]) -> Node:
    """Return a value of a query as a node."""
    if schema.get("type") == "integer" and INTEGER.fullmatch(text):
        return Node("integer", (0, 0), int(text))
    return Node("string", (0, 0), text)


# ------------------------------------------------------------------ the format


def detect_wire(captured: CapturedExchange) -> str:
    """Return the format of a request: of its body, or else the one in Accept."""
    media = get_media_type(captured)
    for wire, known in MEDIA_TYPES.items():
        if media == known:
            return wire
    if captured.body.strip():
        return "xml" if captured.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "json"
    return "xml" if MEDIA_TYPES["xml"] in captured.get_header("accept").lower() else "json"


def get_media_type(captured: CapturedExchange) -> str:
    """Return the content type of a request without its parameters."""
    return captured.get_header("content-type").partition(";")[0].strip().lower()


def check_format(findings: RequestFindings, captured: CapturedExchange) -> bool:
    """Check the content type; tell whether the body can be parsed."""
    findings.checked.add(FORMAT)
    media = get_media_type(captured)
    if media in MEDIA_TYPES.values():
        return True
    got = media[:MAX_SHOWN_LENGTH] or "nothing"
    where = "content-type" if media else "head"
    expected = "application/json or application/xml"
    findings.add_violation(RequestViolation(FORMAT, "Content-Type", got, expected, part=where))
    return not media or "json" in media or "xml" in media


MAX_SHOWN_LENGTH = 60
