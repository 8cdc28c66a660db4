"""Mutants of the other operations: delivery reports, logs, previews, bulks and tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import BulkResponse, BulkStatus, ConversionResponse
from infobip_sms_schema.operations import (
    FETCH_DELIVERY_REPORTS,
    GET_LOGS,
    GET_SCHEDULED,
    GET_SCHEDULED_STATUS,
    PREVIEW,
    RECORD_CONVERSION,
    RESCHEDULE,
    SET_SCHEDULED_STATUS,
)

from infobip_sms.sandbox.api.http import HttpError, OperationResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import Preview

    from infobip_sms.sandbox.api.http import OperationContext

REPORTS, LOGS = FETCH_DELIVERY_REPORTS.name, GET_LOGS.name
BULK, BULK_MOVE = GET_SCHEDULED.name, RESCHEDULE.name
BULK_STATUS, BULK_CHANGE = GET_SCHEDULED_STATUS.name, SET_SCHEDULED_STATUS.name
CONVERSION, TEXT_PREVIEW = RECORD_CONVERSION.name, PREVIEW.name
_LOWER_DEFAULT, _HIGHER_DEFAULT, _LOWER_MAXIMUM = 20, 1000, 500
_KEY = "A" * 32


def _build_error(status: int = 400) -> HttpError:
    return HttpError(status, "BAD_REQUEST", "Bad request")


# ---------------------------------------------------------------- requests


def _change_parameters(
    **changes: Callable[[Any], Any],
) -> Callable[[OperationContext], OperationContext]:
    """Change parameters before the operation runs."""

    def alter(context: OperationContext) -> OperationContext:
        old = context.parameters
        new = {name: change(getattr(old, name)) for name, change in changes.items()}
        return attrs.evolve(context, parameters=attrs.evolve(old, **new))

    return alter


def _reject_where(
    when: Callable[[OperationContext], object],
) -> Callable[[OperationContext], OperationContext]:
    """Reject some requests."""

    def require(context: OperationContext) -> OperationContext:
        if when(context):
            raise _build_error()
        return context

    return require


def _drop_parameter(_value: object) -> None:
    """Ignore a parameter."""


MUTATED_REQUESTS: dict[str, tuple[str, Callable[[OperationContext], OperationContext]]] = {
    "DLR-008": (REPORTS, _change_parameters(limit=_drop_parameter)),
    "DLR-008-20": (REPORTS, _change_parameters(limit=lambda n: n or _LOWER_DEFAULT)),
    "DLR-008-500": (REPORTS, _reject_where(lambda q: (q.parameters.limit or 0) > _LOWER_MAXIMUM)),
    "LOG-001-from": (LOGS, _change_parameters(from_=_drop_parameter)),
    "LOG-001-to": (LOGS, _change_parameters(to=_drop_parameter)),
    "LOG-001-status": (LOGS, _change_parameters(general_status=_drop_parameter)),
    "LOG-002": (
        LOGS,
        _change_parameters(bulk_id=lambda n: n and n[-1:], message_id=lambda n: n and n[-1:]),
    ),
    "LOG-002-bulk": (LOGS, _change_parameters(bulk_id=lambda n: n and n[:1])),
    "LOG-003": (LOGS, _change_parameters(limit=_drop_parameter)),
    "LOG-003-all": (LOGS, _change_parameters(limit=lambda n: n or _HIGHER_DEFAULT)),
    "PREV-001-wish": (
        TEXT_PREVIEW,
        _reject_where(lambda q: not (q.body.language_code or q.body.transliteration)),
    ),
    "PREV-002-script": (TEXT_PREVIEW, _reject_where(lambda q: q.body.transliteration)),
    "BULK-002-refused": (BULK_MOVE, _reject_where(lambda _: True)),
    "BULK-003-refused": (
        BULK_CHANGE,
        _reject_where(lambda q: q.body.status == BulkStatus.CANCELED),
    ),
}
"""Requests that are changed or rejected."""


# ---------------------------------------------------------------- responses


def _set_fields(**values: Any) -> Callable[[Any, OperationContext], Any]:
    """Replace fields of a response."""
    return lambda response, _: attrs.evolve(response, **values)


def _set_result_fields(**values: Any) -> Callable[[Any, OperationContext], Any]:
    """Replace fields of every entry of a list of results."""
    return lambda response, _: attrs.evolve(
        response, results=[attrs.evolve(entry, **values) for entry in response.results]
    )


def _change_previews(
    alter: Callable[[list[Preview]], list[Preview]],
) -> Callable[[Any, OperationContext], Any]:
    """Change the previews of a response."""
    return lambda response, _: attrs.evolve(response, previews=alter(response.previews))


def _change_remaining(more: Callable[[Preview], int]) -> Callable[[Any, OperationContext], Any]:
    """Add to the remaining characters."""
    return _change_previews(
        lambda previews: [
            attrs.evolve(p, characters_remaining=(p.characters_remaining or 0) + more(p))
            for p in previews
        ]
    )


def _count_header_characters(preview: Preview) -> int:
    """Return the characters gained if concatenation headers took no space."""
    plain = preview.configuration is None or preview.configuration.language is None
    count = preview.message_count or 1
    return 7 * count if plain and count > 1 and (preview.text_preview or "").isascii() else 0


def _count_language_characters(preview: Preview) -> int:
    """Return the characters gained if a language took no space."""
    return 5 if preview.configuration and preview.configuration.language else 0


def _keep_old_time(response: Any, context: OperationContext) -> Any:
    """Return the old sendAt of a rescheduled bulk."""
    bulk = context.state.find_bulk(context.parameters.bulk_id)
    return attrs.evolve(response, send_at=bulk.send_at) if bulk else response


def _misspell(response: Any, _context: OperationContext) -> Any:
    return attrs.evolve(response, status=response.status.replace("CANCELED", "CANCELLED"))


MUTATED_RESPONSES: dict[str, tuple[set[str], Callable[[Any, OperationContext], Any]]] = {
    "DLR-007-empty": ({REPORTS}, _set_fields(results=[])),
    "LOG-001": ({LOGS}, _set_result_fields(text=None)),
    "LOG-001-empty": ({LOGS}, _set_fields(results=[])),
    "PREV-003": ({TEXT_PREVIEW}, _set_fields(original_text=None)),
    "PREV-003-last": ({TEXT_PREVIEW}, _change_previews(lambda previews: previews[::-1])),
    "PREV-003-plain": ({TEXT_PREVIEW}, _change_previews(lambda previews: previews[:1])),
    "PREV-004": ({TEXT_PREVIEW}, _change_remaining(lambda _: -1)),
    "PREV-004-free": ({TEXT_PREVIEW}, _change_remaining(_count_language_characters)),
    "PREV-004-part": ({TEXT_PREVIEW}, _change_remaining(_count_header_characters)),
    "BULK-001": ({BULK}, _set_fields(send_at=None)),
    "BULK-001-name": ({BULK}, _set_fields(bulk_id=None)),
    "BULK-002-old": ({BULK_MOVE}, _keep_old_time),
    "BULK-003-spelling": ({BULK_STATUS, BULK_CHANGE}, _misspell),
    "BULK-003-stuck": ({BULK_STATUS}, _set_fields(status="PENDING")),
    "TRACK-002": ({CONVERSION}, _set_fields(process_key=None)),
    "TRACK-002-other": ({CONVERSION}, _set_fields(process_key=_KEY)),
}
"""Responses with wrong contents."""

UNRECORDED = {"DLR-007": REPORTS, "BULK-002": BULK_MOVE, "BULK-003": BULK_CHANGE}
"""Operations whose effect is not stored."""


# ---------------------------------------------------------------- not found


def _invent_bulk(context: OperationContext) -> OperationResult:
    name = context.parameters.bulk_id
    return OperationResult(BulkResponse(bulk_id=name, send_at=context.now))


def _reject(_context: OperationContext) -> OperationResult:
    raise _build_error()


REPLACED_404: dict[str, tuple[set[str], Callable[[OperationContext], OperationResult]]] = {
    "BULK-004": ({BULK}, _invent_bulk),
    "BULK-004-400": ({BULK, BULK_MOVE, BULK_STATUS, BULK_CHANGE}, _reject),
    "TRACK-003": ({CONVERSION}, lambda _: OperationResult(ConversionResponse(process_key=_KEY))),
    "TRACK-003-400": ({CONVERSION}, _reject),
}
"""Responses where HTTP 404 is required."""
