"""Checks of the preview of a text: PREV.

Lives here: three texts that together show every length of a segment, and requests to be refused.
Never here: sending.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infobip_sms_conformance.checks.support.assertions import check_ground
from infobip_sms_conformance.checks.support.calls import (
    ONE,
    OTHER,
    call_once,
    check_done,
    check_offered,
    check_refused,
    check_turn,
    explained_by,
    is_done,
    read_text,
)
from infobip_sms_conformance.contract.codec import INTEGER
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import Broken, Finding, Inconclusive
from infobip_sms_conformance.session.registry import LAST, LATE, requirement
from infobip_sms_conformance.session.session import Session

LANGUAGE, SCRIPT = "languageCode", "transliteration"
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
REFUSED = "HTTP 400"
Count = tuple[int, int]


@dataclass(frozen=True)
class Trial:
    """A text, what it is tried with, and whose turn it is."""

    name: str
    turn: int
    text: str
    wish: tuple[str, str] | None = None

    @property
    def document(self) -> dict[str, str]:
        """The request."""
        return {"text": self.text} | ({self.wish[0]: self.wish[1]} if self.wish else {})


PLAINLY = Trial("plain text", ONE, PLAIN)
IN_SCRIPT = Trial("text to be transliterated", ONE, GREEK, (SCRIPT, "GREEK"))
IN_LANGUAGE = Trial("text in a language", OTHER, TURKISH, (LANGUAGE, "TR"))
TRIALS = (PLAINLY, IN_SCRIPT, IN_LANGUAGE)


# ------------------------------------------------------------------ asking


def ask(session: Session, trial: Trial) -> Exchange:
    """Return the preview of a trial."""
    what = f"a preview of a {trial.name}"
    found = call_once(session, trial.turn, "preview", what, trial.document)
    check_ground(session, session.wires[0])
    check_offered(found, "preview")
    return found


def ask_plain(session: Session, turn: int) -> Exchange:
    """Return the preview of a text and nothing else, in the format that is on turn."""
    return ask(session, Trial("plain text", turn, PLAIN))


def find_root(session: Session, trial: Trial) -> str:
    """Return the requirement that is broken where a trial gets no previews."""
    if is_done(ask(session, trial)):
        return ""
    alone = is_done(ask_plain(session, trial.turn))
    return "PREV-002" if alone else "PREV-001"


def find_trials(session: Session, wire: str) -> Iterator[tuple[Trial, Exchange]]:
    """Yield the trials of a format with their previews, once all can be looked at."""
    for trial in TRIALS:
        found = ask(session, trial)
        if found.wire == wire:
            check_done(found, PREVIEWED, find_root(session, trial))
            yield trial, found


# ------------------------------------------------------------------ requests


@requirement("PREV-001", needs=["preview"], feature="preview", order=LATE)
def test_prev_001_text_is_enough(session: Session, wire: str) -> None:
    """A preview of a text and nothing else is made."""
    turn = ONE if wire == session.wires[0] else OTHER
    if turn == OTHER and is_done(ask(session, IN_LANGUAGE)):
        return
    check_done(ask_plain(session, turn), PREVIEWED)


@requirement("PREV-001", needs=["preview"], feature="preview", order=LATE)
def test_prev_001_text_is_mandatory(session: Session, wire: str, findings: list[Finding]) -> None:
    """A preview without a text is refused."""
    check_turn(session, wire, OTHER)
    refuse(session, OTHER, "without text", {LANGUAGE: "TR"}, findings)


@requirement("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_known_values_are_accepted(session: Session, wire: str) -> None:
    """A language and a script that a message may have are accepted, each beside the text."""
    turn = ONE if wire == session.wires[0] else OTHER
    for trial in (IN_SCRIPT, IN_LANGUAGE):
        found = ask(session, trial)
        if found.wire == wire and not is_done(found):
            check_done(ask_plain(session, turn), PREVIEWED, "PREV-001")
            check_done(found, PREVIEWED)


@requirement("PREV-002", ["json"], needs=["preview"], feature="preview", order=LATE)
def test_prev_002_unknown_language_is_refused(session: Session, findings: list[Finding]) -> None:
    """A language that no message may have is refused."""
    document = {"text": TURKISH, LANGUAGE: "XX"}
    refuse(session, ONE, "in a language that is not known", document, findings)


@requirement("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_unknown_script_is_refused(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A transliteration that no message may have is refused."""
    check_turn(session, wire, OTHER)
    document = {"text": GREEK, SCRIPT: "KLINGON"}
    refuse(session, OTHER, "in a script that is not known", document, findings)


def refuse(
    session: Session, turn: int, what: str, document: dict[str, str], findings: list[Finding]
) -> None:
    """Demand that a preview is refused, once a good one was made."""
    trial = IN_LANGUAGE if turn == OTHER else PLAINLY
    check_done(ask(session, trial), PREVIEWED, find_root(session, trial))
    found = call_once(session, turn, "preview", f"a preview {what}", document)
    check_refused(found, REFUSED, findings)


# ------------------------------------------------------------------ previews


@requirement("PREV-003", needs=["preview"], feature="preview", order=LAST)
def test_prev_003_previews_hold_what_was_asked(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The first preview is of the text as it is, the next as it was asked for."""
    roots = ("PREV-002", "XML-004") if wire == "xml" else ("PREV-002",)
    with explained_by(findings, *roots):
        judge_previews(session, wire)


def judge_previews(session: Session, wire: str) -> None:
    """Demand that every trial of a format has the previews that it asked for."""
    for trial, found in find_trials(session, wire):
        wrong = find_wrong_form(trial, found)
        if wrong == MISSING and is_nested(session, trial):
            expected = f"{LANGUAGE} beside the text"
            raise Inconclusive(wrong, expected=expected, because="PREV-002", exchange=found)
        if wrong:
            expected = "originalText, and previews: as it is, then as asked"
            raise Broken(wrong, expected=expected, exchange=found)


MISSING = "no preview in the asked configuration"


def find_wrong_form(trial: Trial, found: Exchange) -> str:
    """Say what an answer lacks."""
    previews = find_list(found.data, "previews")
    if not previews:
        return "no list of previews"
    if read_text(found.data, "originalText") != trial.text:
        return "another originalText, or none"
    for preview in previews:
        if not read_text(preview, "textPreview") or None in read_count(preview):
            return "a preview without textPreview, messageCount or charactersRemaining"
    if read_wish(previews[0]) or read_text(previews[0], "textPreview") != trial.text:
        return "a first preview that is not of the text as it is"
    asked = find_preview(trial, found)
    if trial.wish and asked is None:
        return MISSING
    return "a textPreview other than the text that was counted" if is_untouched(asked) else ""


def is_untouched(preview: dict[str, Any] | None) -> bool:
    """Tell whether a preview shows letters beyond GSM-7, and counts as if they had been replaced."""
    text, count = read_text(preview, "textPreview"), read_count(preview or {})
    if preview is None or is_common(text) or not dict(read_wish(preview)).get(SCRIPT):
        return False
    return count in count_segments(len(text), 160, 153) and count not in find_counts(text, ())


def is_nested(session: Session, trial: Trial) -> bool:
    """Tell whether a server looks for the language in an object, as it stands in a message."""
    if trial.wish is None or trial.wish[0] != LANGUAGE:
        return False
    document = {"text": trial.text, "language": {LANGUAGE: trial.wish[1]}}
    nested = call_once(session, trial.turn, "preview", "a preview with an object", document)
    return find_preview(trial, nested) is not None


@requirement("PREV-002", needs=["preview"], feature="preview", order=LATE)
def test_prev_002_language_stands_beside_the_text(session: Session, wire: str) -> None:
    """A languageCode has its effect beside the text, not only in an object."""
    check_turn(session, wire, OTHER)
    found = ask(session, IN_LANGUAGE)
    if is_done(found) and find_preview(IN_LANGUAGE, found) is None:
        if is_nested(session, IN_LANGUAGE):
            expected = f"{LANGUAGE} beside the text"
            raise Broken("a languageCode that is passed over", expected=expected, exchange=found)
        raise Inconclusive(MISSING, because="PREV-003", exchange=found)


@requirement("PREV-004", needs=["preview"], feature="preview", order=LATE)
def test_prev_004_characters_are_counted(session: Session, wire: str) -> None:
    """Segments and the characters left are those of the alphabet that a preview needs."""
    for trial, found in find_trials(session, wire):
        if wrong := find_wrong_form(trial, found):
            nested = wrong == MISSING and is_nested(session, trial)
            because = "PREV-002" if nested else "PREV-003"
            raise Inconclusive("not all previews", because=because, exchange=found)
        previews = [(find_list(found.data, "previews") or [])[0], find_preview(trial, found)]
        for preview in filter(None, previews):
            allowed = find_counts(read_text(preview, "textPreview"), read_wish(preview))
            if read_count(preview) not in allowed:
                count, left = read_count(preview)
                expected = " or ".join(f"{c} and {r}" for c, r in allowed)
                got = f"messageCount and charactersRemaining {count} and {left}"
                raise Broken(got, expected=expected, exchange=found)


def find_preview(trial: Trial, found: Exchange) -> dict[str, Any] | None:
    """Return the preview with what a trial asks for."""
    previews = find_list(found.data, "previews") or []
    return next((p for p in previews[1:] if trial.wish and read_wish(p) == (trial.wish,)), None)


def read_wish(preview: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the configuration of a preview, without members that say nothing."""
    configuration = preview.get("configuration")
    language = configuration.get("language") if isinstance(configuration, dict) else None
    found = ((LANGUAGE, read_text(language, LANGUAGE)), (SCRIPT, read_text(configuration, SCRIPT)))
    return tuple((name, value) for name, value in found if value)


def read_count(preview: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return messageCount and charactersRemaining, none for what is no number."""
    count, left = (
        int(text) if INTEGER.fullmatch(text := read_text(preview, name)) else None
        for name in ("messageCount", "charactersRemaining")
    )
    return count, left


def find_counts(text: str, wish: tuple[tuple[str, str], ...]) -> list[Count]:
    """Return segments and what is left, for every reading of what a language costs."""
    if dict(wish).get(LANGUAGE) and len(text) < 100:  # noqa: PLR2004 - one segment in any reading
        # Locking shift; single shift, where each letter of its own costs one more; both (READ-026).
        lone = sum(text.count(letter) for letter in set(LONE_TURKISH))
        return [(1, 155 - len(text)), (1, 155 - len(text) - lone), (1, 152 - len(text))]
    return count_segments(len(text), *((160, 153) if is_common(text) else (70, 67)))


def is_common(text: str) -> bool:
    """Tell whether a text of the trials is written in GSM-7."""
    return all(character.isascii() or character in GREEK_IN_GSM for character in text)


def count_segments(length: int, single: int, several: int) -> list[Count]:
    """Return segments and what is left, by what one holds alone and what each of several holds."""
    if length <= single:
        return [(1, single - length)]
    segments = -(-length // several)
    return [(segments, segments * several - length)]
