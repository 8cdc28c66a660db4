"""Faults of the operations around the message: reports that are fetched, logs, previews, bulks, tracking.

Lives here: questions that are understood wrongly, answers that say something else, moves that are forgotten.
Never here: the send request, and what follows from it by itself.
"""

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

from infobip_sms.sandbox.api.http import Outcome, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import Preview

    from infobip_sms.sandbox.api.http import Question

REPORTS, LOGS = FETCH_DELIVERY_REPORTS.name, GET_LOGS.name
LOOK, MOVE = GET_SCHEDULED.name, RESCHEDULE.name
STATUS, CHANGE = GET_SCHEDULED_STATUS.name, SET_SCHEDULED_STATUS.name
CONVERT, SHOW = RECORD_CONVERSION.name, PREVIEW.name
_FEWER, _MOST, _LESS = 20, 1000, 500
_KEY = "A" * 32


def _refuse(status: int = 400) -> Refusal:
    return Refusal(status, "BAD_REQUEST", "Bad request")


# ---------------------------------------------------------------- questions


def _ask(**changes: Callable[[Any], Any]) -> Callable[[Question], Question]:
    """Change parameters before they are looked at."""

    def alter(question: Question) -> Question:
        asked = question.parameters
        found = {name: change(getattr(asked, name)) for name, change in changes.items()}
        return attrs.evolve(question, parameters=attrs.evolve(asked, **found))

    return alter


def _refuse_where(when: Callable[[Question], object]) -> Callable[[Question], Question]:
    """Refuse some questions."""

    def look(question: Question) -> Question:
        if when(question):
            raise _refuse()
        return question

    return look


def _leave_out(_value: object) -> None:
    """Leave a parameter out."""


QUESTIONS: dict[str, tuple[str, Callable[[Question], Question]]] = {
    "DLR-008": (REPORTS, _ask(limit=_leave_out)),
    "DLR-008-20": (REPORTS, _ask(limit=lambda n: n or _FEWER)),
    "DLR-008-500": (REPORTS, _refuse_where(lambda q: (q.parameters.limit or 0) > _LESS)),
    "LOG-001-from": (LOGS, _ask(from_=_leave_out)),
    "LOG-001-to": (LOGS, _ask(to=_leave_out)),
    "LOG-001-status": (LOGS, _ask(general_status=_leave_out)),
    "LOG-002": (
        LOGS,
        _ask(bulk_id=lambda n: n and n[-1:], message_id=lambda n: n and n[-1:]),
    ),
    "LOG-002-bulk": (LOGS, _ask(bulk_id=lambda n: n and n[:1])),
    "LOG-003": (LOGS, _ask(limit=_leave_out)),
    "LOG-003-all": (LOGS, _ask(limit=lambda n: n or _MOST)),
    "PREV-001-wish": (
        SHOW,
        _refuse_where(lambda q: not (q.body.language_code or q.body.transliteration)),
    ),
    "PREV-002-script": (SHOW, _refuse_where(lambda q: q.body.transliteration)),
    "BULK-002-refused": (MOVE, _refuse_where(lambda _: True)),
    "BULK-003-refused": (CHANGE, _refuse_where(lambda q: q.body.status == BulkStatus.CANCELED)),
}
"""Questions that are understood as others, or refused."""


# ---------------------------------------------------------------- answers


def _say(**values: Any) -> Callable[[Any, Question], Any]:
    """Replace members of an answer."""
    return lambda response, _: attrs.evolve(response, **values)


def _say_of_each(**values: Any) -> Callable[[Any, Question], Any]:
    """Replace members of every entry of a list of results."""
    return lambda response, _: attrs.evolve(
        response, results=[attrs.evolve(entry, **values) for entry in response.results]
    )


def _show(alter: Callable[[list[Preview]], list[Preview]]) -> Callable[[Any, Question], Any]:
    """Change the previews of an answer."""
    return lambda response, _: attrs.evolve(response, previews=alter(response.previews))


def _leave(more: Callable[[Preview], int]) -> Callable[[Any, Question], Any]:
    """Count the characters that are left in another way."""
    return _show(
        lambda previews: [
            attrs.evolve(p, characters_remaining=(p.characters_remaining or 0) + more(p))
            for p in previews
        ]
    )


def _find_saved(preview: Preview) -> int:
    """Return what is left more where each of several segments holds as much as a single one."""
    plain = preview.configuration is None or preview.configuration.language is None
    count = preview.message_count or 1
    return 7 * count if plain and count > 1 and (preview.text_preview or "").isascii() else 0


def _find_price(preview: Preview) -> int:
    """Return what is left more where a language costs nothing."""
    return 5 if preview.configuration and preview.configuration.language else 0


def _say_old(response: Any, question: Question) -> Any:
    """Say the instant of before a bulk was moved."""
    bulk = question.state.find_bulk(question.parameters.bulk_id)
    return attrs.evolve(response, send_at=bulk.send_at) if bulk else response


def _misspell(response: Any, _question: Question) -> Any:
    return attrs.evolve(response, status=response.status.replace("CANCELED", "CANCELLED"))


ANSWERS: dict[str, tuple[set[str], Callable[[Any, Question], Any]]] = {
    "DLR-007-empty": ({REPORTS}, _say(results=[])),
    "LOG-001": ({LOGS}, _say_of_each(text=None)),
    "LOG-001-empty": ({LOGS}, _say(results=[])),
    "PREV-003": ({SHOW}, _say(original_text=None)),
    "PREV-003-last": ({SHOW}, _show(lambda previews: previews[::-1])),
    "PREV-003-plain": ({SHOW}, _show(lambda previews: previews[:1])),
    "PREV-004": ({SHOW}, _leave(lambda _: -1)),
    "PREV-004-free": ({SHOW}, _leave(_find_price)),
    "PREV-004-part": ({SHOW}, _leave(_find_saved)),
    "BULK-001": ({LOOK}, _say(send_at=None)),
    "BULK-001-name": ({LOOK}, _say(bulk_id=None)),
    "BULK-002-old": ({MOVE}, _say_old),
    "BULK-003-spelling": ({STATUS, CHANGE}, _misspell),
    "BULK-003-stuck": ({STATUS}, _say(status="PENDING")),
    "TRACK-002": ({CONVERT}, _say(process_key=None)),
    "TRACK-002-other": ({CONVERT}, _say(process_key=_KEY)),
}
"""Answers that say something else."""

FORGETFUL = {"DLR-007": REPORTS, "BULK-002": MOVE, "BULK-003": CHANGE}
"""Operations that are answered, and nothing of it is remembered."""


# ---------------------------------------------------------------- what is not there


def _find_bulk(question: Question) -> Outcome:
    name = question.parameters.bulk_id
    return Outcome(BulkResponse(bulk_id=name, send_at=question.now))


def _refuse_question(_question: Question) -> Outcome:
    raise _refuse()


MISSING: dict[str, tuple[set[str], Callable[[Question], Outcome]]] = {
    "BULK-004": ({LOOK}, _find_bulk),
    "BULK-004-400": ({LOOK, MOVE, STATUS, CHANGE}, _refuse_question),
    "TRACK-003": ({CONVERT}, lambda _: Outcome(ConversionResponse(process_key=_KEY))),
    "TRACK-003-400": ({CONVERT}, _refuse_question),
}
"""What is answered where the right answer is 404."""
