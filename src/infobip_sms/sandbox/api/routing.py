"""Resolves the operation of a request and parses its parameters.

Unknown parameters are ignored, as unknown fields are (READ-010). Known parameters are validated: an
invalid value, or more than one where one is allowed, is rejected.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import attrs
from infobip_sms_schema import InvalidRequestError, Violation
from infobip_sms_schema.constraints import unfold
from infobip_sms_schema.operations import OPERATIONS

from infobip_sms.codecs.plain_data import build_model

from .http import HttpError

if TYPE_CHECKING:
    from infobip_sms_schema.operations import Operation

    from infobip_sms.sandbox.config import SandboxSettings

    from .http import HttpRequest

    AnyOperation = Operation[attrs.AttrsInstance]

_SLASHES = re.compile(r"/{2,}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def resolve_operation(
    request: HttpRequest, settings: SandboxSettings
) -> tuple[AnyOperation, dict[str, str]]:
    """Return the operation and the values in its path; reject unknown routes (READ-018)."""
    matching = _find_matching(request.path)
    if not matching:
        raise HttpError(404, "NOT_FOUND", f"There is no such resource{_explain_path(request.path)}")
    for operation, values in matching:
        if operation.method == request.method:
            return operation, values
    methods = ", ".join(operation.method for operation, _ in matching)
    status = int(settings.get_reading("READ-018"))
    code = "NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED"
    raise HttpError(status, code, f"This resource allows {methods}", headers={"allow": methods})


def _explain_path(path: str) -> str:
    """Say what is wrong with a path that is nearly one of those that there are; otherwise nothing."""
    if path.startswith("/sms/3/"):
        return ": this sandbox offers version 2, POST /sms/2/text/advanced"
    single = _SLASHES.sub("/", path)
    plain = single.rstrip("/")
    if path == plain or not any(_match(o.path, plain) for o in OPERATIONS):
        return ""
    problem = "two slashes in a row" if single != path else "a slash at its end"
    return f": the path has {problem}, expected {plain}"


def parse_parameters(
    operation: AnyOperation, path_values: dict[str, str], query: str
) -> attrs.AttrsInstance | None:
    """Return the parameters of an operation; raise InvalidRequestError with all violations."""
    if operation.parameters is None:
        return None
    values = {**_parse_query(query), **{name: [value] for name, value in path_values.items()}}
    plain: dict[str, Any] = {}
    violations = []
    for field in attrs.fields(operation.parameters):
        wire = field.metadata["wire"]
        if wire not in values:
            continue
        base, item = unfold(field.type)
        if item is None and len(values[wire]) > 1:
            actual = f"{len(values[wire])} values"
            violations.append(Violation(wire, actual, "one value", field.validator.requirement_id))
        plain[wire] = values[wire] if item else _convert(values[wire][0], base)
    if violations:
        raise InvalidRequestError(violations)
    return build_model(plain, operation.parameters, strict=True)


def _parse_query(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, keep_blank_values=True, errors="strict", max_num_fields=10_000)
    except ValueError:  # not UTF-8, or too many fields
        violation = Violation(
            "", "a query that cannot be decoded", "UTF-8, percent-encoded", "HTTP-002"
        )
        raise InvalidRequestError([violation]) from None


def _convert(text: str, base: Any) -> Any:
    """Return an integer if the parameter is one; the model validates the rest."""
    return int(text) if base is int and _INTEGER.fullmatch(text) else text


@lru_cache(64)
def _find_matching(path: str) -> list[tuple[AnyOperation, dict[str, str]]]:
    """Return the operations of a path, whatever the method, each with the values in its path."""
    found = ((operation, _match(operation.path, path)) for operation in OPERATIONS)
    return [
        (operation, {name: unquote(value) for name, value in match.groupdict().items()})
        for operation, match in found
        if match
    ]


def _match(template: str, path: str) -> re.Match[str] | None:
    return _compile(template).fullmatch(path)


@cache
def _compile(template: str) -> re.Pattern[str]:
    """Return the pattern of a path, in which ``{name}`` matches one segment that is not empty."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
    )
