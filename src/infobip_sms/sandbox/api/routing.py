"""Which operation a request is for, and with what parameters.

Unknown parameters are passed over, as unknown fields are (READ-010). A parameter that is known is
read strictly: a value that breaks a limit, or a second one where there is one, is rejected by name.
"""

from __future__ import annotations

import re
from functools import cache
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

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def resolve_operation(
    request: HttpRequest, settings: SandboxSettings
) -> tuple[AnyOperation, dict[str, str]]:
    """Return the operation of a route and the values in its path; reject any other (READ-018)."""
    fitting = [(o, found) for o in OPERATIONS if (found := _match(o.path, request.path))]
    if not fitting:
        raise HttpError(404, "NOT_FOUND", "There is no such resource")
    for operation, found in fitting:
        if operation.method == request.method:
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    methods = ", ".join(operation.method for operation, _ in fitting)
    status = int(settings.get_reading("READ-018"))
    word = "NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED"
    raise HttpError(status, word, f"This resource takes {methods}", headers={"allow": methods})


def parse_parameters(
    operation: AnyOperation, path_values: dict[str, str], query: str
) -> attrs.AttrsInstance | None:
    """Return the parameters of an operation; raise InvalidRequestError with everything wrong with them."""
    if operation.parameters is None:
        return None
    given = {**_parse_query(query), **{name: [value] for name, value in path_values.items()}}
    plain: dict[str, Any] = {}
    problems = []
    for field in attrs.fields(operation.parameters):
        wire = field.metadata["wire"]
        if wire not in given:
            continue
        base, item = unfold(field.type)
        if item is None and len(given[wire]) > 1:
            got = f"{len(given[wire])} values"
            problems.append(Violation(wire, got, "one value", field.validator.requirement_id))
        plain[wire] = given[wire] if item else _convert(given[wire][0], base)
    if problems:
        raise InvalidRequestError(problems)
    return build_model(plain, operation.parameters, strict=True)


def _parse_query(query: str) -> dict[str, list[str]]:
    try:
        return parse_qs(query, keep_blank_values=True, errors="strict", max_num_fields=10_000)
    except ValueError:  # bytes that are not UTF-8, or too many of them
        problem = Violation("", "a query that cannot be read", "UTF-8, percent-encoded", "HTTP-002")
        raise InvalidRequestError([problem]) from None


def _convert(text: str, base: Any) -> Any:
    """Return a whole number where one is wanted; all else is read as in JSON."""
    return int(text) if base is int and _INTEGER.fullmatch(text) else text


def _match(template: str, path: str) -> re.Match[str] | None:
    return _compile(template).fullmatch(path)


@cache
def _compile(template: str) -> re.Pattern[str]:
    """Make a pattern of a path: ``{name}`` is one segment, which is not empty."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
    )
