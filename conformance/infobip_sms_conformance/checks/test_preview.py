"""Checks of the preview of a text: PREV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infobip_sms_conformance.checks.support.assertions import require_any_accepted
from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_ok,
    assert_rejected,
    call_once,
    explained_by,
    is_ok,
    read_text,
    require_format,
    require_offered,
)
from infobip_sms_conformance.checks.support.previews import LANGUAGE, SCRIPT, read_options
from infobip_sms_conformance.contract.codec import INTEGER
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    Inconclusive,
    Mismatch,
    show,
)
from infobip_sms_conformance.session.registry import LAST, LATE, check
from infobip_sms_conformance.session.session import Session

TURKISH = read_example("preview-request")["text"]
# All of it letters whose counterparts the vendor's own preview shows.
GREEK = (
    "το πλοίο φτάνει το πρωί στο λιμάνι και όλοι κατεβαίνουν αργά προς την πόλη. "
    "η πύλη ανοίγει στις 7 και κλείνει στις 9/10, ο σταθμός είναι κοντά (στην πύλη 4)"  # noqa: RUF001 - Greek
)
PLAIN = "The last ferry leaves at nine. " * 5 + "Bring your ticket, please."
LONE_TURKISH = "şığİŞĞçı"
GREEK_IN_GSM = "ΓΔΘΛΞΠΣΦΨΩ"
PREVIEWED = "HTTP 200 and a list of previews"
REJECTED = "HTTP 400"
Count = tuple[int, int]


@dataclass(frozen=True)
class PreviewCase:
    """A text, what it is tried with, and whose turn it is."""

    name: str
    format_index: int
    text: str
    option: tuple[str, str] | None = None

    @property
    def document(self) -> dict[str, str]:
        """The request."""
        return {"text": self.text} | ({self.option[0]: self.option[1]} if self.option else {})


PLAINLY = PreviewCase("plain text", FIRST_FORMAT, PLAIN)
IN_SCRIPT = PreviewCase("text to be transliterated", FIRST_FORMAT, GREEK, (SCRIPT, "GREEK"))
IN_LANGUAGE = PreviewCase("text in a language", SECOND_FORMAT, TURKISH, (LANGUAGE, "TR"))
PREVIEW_CASES = (PLAINLY, IN_SCRIPT, IN_LANGUAGE)


# ------------------------------------------------------------------ asking


def request_preview(session: Session, preview_case: PreviewCase) -> Exchange:
    """Return the preview of a trial."""
    what = f"a preview of a {preview_case.name}"
    found = call_once(session, preview_case.format_index, "preview", what, preview_case.document)
    require_any_accepted(session, session.wires[0])
    require_offered(found, "preview")
    return found


def request_plain_preview(session: Session, format_index: int) -> Exchange:
    """Return the preview of a text and nothing else, in the format that is on turn."""
    return request_preview(session, PreviewCase("plain text", format_index, PLAIN))


def get_root_cause(session: Session, preview_case: PreviewCase) -> str:
    """Return the requirement that is broken where a trial gets no previews."""
    if is_ok(request_preview(session, preview_case)):
        return ""
    alone = is_ok(request_plain_preview(session, preview_case.format_index))
    return "PREV-002" if alone else "PREV-001"


def iter_preview_cases(session: Session, wire: str) -> Iterator[tuple[PreviewCase, Exchange]]:
    """Yield the trials of a format with their previews; at the end raise for those that have none."""
    rejected: Explained | None = None
    for trial in PREVIEW_CASES:
        found = request_preview(session, trial)
        if found.wire != wire:
            continue
        try:
            assert_ok(found, PREVIEWED, get_root_cause(session, trial))
        except Explained as explained:
            rejected = explained
        else:
            yield trial, found
    if rejected is not None:
        raise rejected


# ------------------------------------------------------------------ requests


@check("PREV-001", needs=["preview"], feature="preview", order=LATE)
def test_prev_001_text_is_enough(session: Session, wire: str) -> None:
    """A preview of a text and nothing else is made."""
    turn = FIRST_FORMAT if wire == session.wires[0] else SECOND_FORMAT
    if turn == SECOND_FORMAT and is_ok(request_preview(session, IN_LANGUAGE)):
        return
    assert_ok(request_plain_preview(session, turn), PREVIEWED)


@check("PREV-001", needs=["preview"], feature="preview", order=LATE)
def test_prev_001_text_is_mandatory(session: Session, wire: str, findings: list[Finding]) -> None:
    """A preview without a text is rejected."""
    require_format(session, wire, SECOND_FORMAT)
    assert_preview_rejected(session, SECOND_FORMAT, "without text", {LANGUAGE: "TR"}, findings)


@check("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_known_values_are_accepted(session: Session, wire: str) -> None:
    """A language and a script that a message may have are accepted, each beside the text."""
    turn = FIRST_FORMAT if wire == session.wires[0] else SECOND_FORMAT
    for trial in (IN_SCRIPT, IN_LANGUAGE):
        found = request_preview(session, trial)
        if found.wire == wire and not is_ok(found):
            assert_ok(request_plain_preview(session, turn), PREVIEWED, "PREV-001")
            assert_ok(found, PREVIEWED)


@check("PREV-002", ["json"], needs=["preview"], feature="preview", order=LATE)
def test_prev_002_unknown_language_is_rejected(session: Session, findings: list[Finding]) -> None:
    """A language that no message may have is rejected."""
    document = {"text": TURKISH, LANGUAGE: "TR-1"}
    assert_preview_rejected(
        session, FIRST_FORMAT, "in a language that is not known", document, findings
    )


@check("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_unknown_script_is_rejected(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A transliteration that no message may have is rejected."""
    require_format(session, wire, SECOND_FORMAT)
    document = {"text": GREEK, SCRIPT: "GREE"}
    assert_preview_rejected(
        session, SECOND_FORMAT, "in a script that is not known", document, findings
    )


def assert_preview_rejected(
    session: Session,
    format_index: int,
    label: str,
    document: dict[str, str],
    findings: list[Finding],
) -> None:
    """Demand that a preview is rejected, once a good one was made."""
    trial = IN_LANGUAGE if format_index == SECOND_FORMAT else PLAINLY
    assert_ok(request_preview(session, trial), PREVIEWED, get_root_cause(session, trial))
    what = f"a preview {label}"
    found = call_once(session, format_index, "preview", what, document, succeeds=False)
    assert_rejected(found, REJECTED, findings)


# ------------------------------------------------------------------ previews


@check("PREV-003", needs=["preview"], feature="preview", order=LAST)
def test_prev_003_previews_hold_what_was_asked(session: Session, wire: str) -> None:
    """The first preview is of the text as it is, the next as it was asked for."""
    roots = ("PREV-002", "XML-004") if wire == "xml" else ("PREV-002",)
    with explained_by(*roots):
        assert_previews(session, wire)


def assert_previews(session: Session, wire: str) -> None:
    """Demand that every trial of a format has the previews that it asked for."""
    for trial, found in iter_preview_cases(session, wire):
        wrong = check_form(trial, found)
        if wrong == MISSING and is_nested(session, trial):
            expected = f"{LANGUAGE} beside the text"
            raise Explained(wrong, expected=expected, caused_by="PREV-002", exchange=found)
        if wrong == MISSING:
            wanted = f"one with {show(dict([trial.option] if trial.option else []))}"
            configurations = [
                dict(read_options(p)) for p in find_list(found.data, "previews") or []
            ]
            wrong = Mismatch("previews[].configuration", wanted, show(configurations))
        if wrong:
            raise CheckFailed(wrong, exchange=found)


MISSING = "no preview in the asked configuration"


def check_form(preview_case: PreviewCase, found: Exchange) -> str:
    """Return what a response lacks."""
    previews = find_list(found.data, "previews")
    if not previews:
        got = f"nothing, beside {show(list(found.data))}" if found.data else found.got
        return Mismatch("previews", "a list", got)
    if read_text(found.data, "originalText") != preview_case.text:
        original = read_text(found.data, "originalText")
        wanted = f"the {len(preview_case.text)} characters that were sent"
        return Mismatch("originalText", wanted, f"{len(original)} characters, not the same")
    for index, preview in enumerate(previews):
        for name in ("textPreview", "messageCount", "charactersRemaining"):
            value = read_text(preview, name)
            if not value or (name != "textPreview" and not INTEGER.fullmatch(value)):
                wanted = "a text" if name == "textPreview" else "a whole number"
                return Mismatch(f"previews[{index}].{name}", wanted, show(value))
    if options := read_options(previews[0]):
        return Mismatch("previews[0].configuration", "none: the text as it is", show(dict(options)))
    if (text := read_text(previews[0], "textPreview")) != preview_case.text:
        wanted = f"the {len(preview_case.text)} characters that were sent"
        return Mismatch("previews[0].textPreview", wanted, f"{len(text)} characters, not the same")
    asked = find_preview(preview_case, found)
    if preview_case.option and asked is None:
        return MISSING
    if not is_untransliterated(asked):
        return ""
    wanted = "the text in the letters that were counted"
    return Mismatch("previews[].textPreview", wanted, "letters beyond GSM-7")


def is_untransliterated(preview: dict[str, Any] | None) -> bool:
    """Tell whether a preview shows letters beyond GSM-7, and counts as if they had been replaced."""
    text, count = read_text(preview, "textPreview"), read_count(preview or {})
    if preview is None or is_gsm7(text) or not dict(read_options(preview)).get(SCRIPT):
        return False
    return count in count_segments(len(text), 160, 153) and count not in get_counts(text, ())


def is_nested(session: Session, preview_case: PreviewCase) -> bool:
    """Tell whether a server looks for the language in an object, as it is in a message."""
    if preview_case.option is None or preview_case.option[0] != LANGUAGE:
        return False
    document = {"text": preview_case.text, "language": {LANGUAGE: preview_case.option[1]}}
    nested = call_once(
        session,
        preview_case.format_index,
        "preview",
        "a preview with an object",
        document,
        succeeds=False,
    )
    return find_preview(preview_case, nested) is not None


@check("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_language_stands_beside_the_text(session: Session, wire: str) -> None:
    """A languageCode has its effect beside the text, not only in an object."""
    require_format(session, wire, SECOND_FORMAT)
    found = request_preview(session, IN_LANGUAGE)
    if is_ok(found) and find_preview(IN_LANGUAGE, found) is None:
        if is_nested(session, IN_LANGUAGE):
            expected = f"{LANGUAGE} beside the text"
            got = f"{LANGUAGE} has an effect only within an object called language"
            raise CheckFailed(got, expected=expected, exchange=found)
        raise Inconclusive(MISSING, caused_by="PREV-003", exchange=found)


@check("PREV-004", needs=["preview"], feature="preview", order=LATE)
def test_prev_004_characters_are_counted(session: Session, wire: str) -> None:
    """Segments and the characters left are those of the alphabet that a preview needs."""
    incomplete: Inconclusive | None = None
    for trial, found in iter_preview_cases(session, wire):
        if wrong := check_form(trial, found):
            nested = wrong == MISSING and is_nested(session, trial)
            root = "PREV-002" if nested else "PREV-003"
            incomplete = Inconclusive("not all previews", caused_by=root, exchange=found)
        for preview in get_countable(trial, found):
            allowed = get_counts(read_text(preview, "textPreview"), read_options(preview))
            if read_count(preview) not in allowed:
                count, left = read_count(preview)
                expected = " or ".join(f"{c} and {r}" for c, r in allowed)
                got = f"messageCount and charactersRemaining {count} and {left}"
                raise CheckFailed(got, expected=expected, exchange=found)
    if incomplete is not None:
        raise incomplete


def get_countable(preview_case: PreviewCase, found: Exchange) -> list[dict[str, Any]]:
    """Return the previews of which it is known in which configuration they were counted."""
    previews = find_list(found.data, "previews") or []
    first, asked = previews[:1], find_preview(preview_case, found)
    is_plain = [p for p in first if read_text(p, "textPreview") == preview_case.text]
    plain = [] if any(map(read_options, is_plain)) else is_plain
    known = asked is not None or preview_case.option is None
    shown = [asked] if asked is not None and not is_untransliterated(asked) else []
    readable = [*(plain if known else []), *shown]
    return [preview for preview in readable if None not in read_count(preview)]


def find_preview(preview_case: PreviewCase, found: Exchange) -> dict[str, Any] | None:
    """Return the preview with what a trial asks for."""
    previews = find_list(found.data, "previews") or []
    return next(
        (
            p
            for p in previews[1:]
            if preview_case.option and read_options(p) == (preview_case.option,)
        ),
        None,
    )


def read_count(preview: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return messageCount and charactersRemaining, none for what is no number."""
    count, left = (
        int(text) if INTEGER.fullmatch(text := read_text(preview, name)) else None
        for name in ("messageCount", "charactersRemaining")
    )
    return count, left


def get_counts(text: str, options: tuple[tuple[str, str], ...]) -> list[Count]:
    """Return segments and what is left, for every reading of what a language costs."""
    if dict(options).get(LANGUAGE) and len(text) < 100:  # noqa: PLR2004 - one segment in any reading
        # Locking shift; single shift, where each letter of its own costs one more; both (READ-026).
        lone = sum(text.count(letter) for letter in set(LONE_TURKISH))
        return [(1, 155 - len(text)), (1, 155 - len(text) - lone), (1, 152 - len(text))]
    return count_segments(len(text), *((160, 153) if is_gsm7(text) else (70, 67)))


def is_gsm7(text: str) -> bool:
    """Tell whether a text of the trials is written in GSM-7."""
    return all(character.isascii() or character in GREEK_IN_GSM for character in text)


def count_segments(length: int, single: int, several: int) -> list[Count]:
    """Return segments and what is left, by what one holds alone and what each of several holds."""
    if length <= single:
        return [(1, single - length)]
    segments = -(-length // several)
    return [(segments, segments * several - length)]
