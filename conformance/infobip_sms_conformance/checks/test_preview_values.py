"""Checks of previews by every value that a message may have, and by near misses of them: PREV."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from infobip_sms_conformance.checks.support.assertions import require_any_accepted
from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_ok,
    assert_rejected,
    call_once,
    explained_by,
    has_failed,
    is_ok,
    read_text,
    require_offered,
)
from infobip_sms_conformance.checks.support.previews import LANGUAGE, SCRIPT, read_options
from infobip_sms_conformance.contract.codec import INTEGER
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import get_component
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

PREVIEWED = "HTTP 200 and a list of previews"
TEXT = "  Two blanks,  <b>markup</b> & \U0001f600 beyond the BMP "
ESCAPED = "^{}\\[~]|\u20ac^"
"""Characters that GSM-7 writes as two."""
FULL_SEGMENT = 160
FULL = "x" * (FULL_SEGMENT - 2 * len(ESCAPED)) + ESCAPED
"""A text that fills one segment."""


def get_left_values(component: str, sent: Sequence[str]) -> list[str]:
    """Return the values of a choice that no other preview has."""
    return [value for value in get_component(component)["enum"] if value not in sent]


def request_preview(
    session: Session,
    format_index: int,
    label: str,
    document: Mapping[str, str | None],
    *,
    succeeds: bool = True,
) -> Exchange:
    """Return a preview, where the server makes previews at all."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    require_any_accepted(session, session.wires[0])
    what = f"a preview {label}"
    found = call_once(session, format_index, "preview", what, document, succeeds=succeeds)
    require_offered(found, "preview")
    return found


def iter_value_previews(session: Session) -> Iterator[Exchange]:
    """Yield previews of one text in every language, and every script that the vendor's examples do not have."""
    languages = get_left_values("LanguageCode", [])
    scripts = get_left_values("Transliteration", ["GREEK"])
    for index, asked in enumerate(pair_values(languages, scripts)):
        label = f"in {' and '.join(asked.values())}"
        yield request_preview(session, index, label, {"text": TEXT, **asked})


def pair_values(languages: Sequence[str], scripts: Sequence[str]) -> list[dict[str, str]]:
    """Return the options of some previews: a language and a script in each, as long as there are such."""
    pairs = zip_longest(languages, scripts)
    options = ({LANGUAGE: language, SCRIPT: script} for language, script in pairs)
    return [{name: value for name, value in one.items() if value} for one in options]


@check("PREV-002", ["json"], needs=["previews of all kinds"], feature="preview", order=LATE)
def test_prev_002_every_value_is_accepted(session: Session, findings: list[Finding]) -> None:
    """Languages and scripts that a message may have are accepted together."""
    for found in iter_value_previews(session):
        assert_ok(found, PREVIEWED, "PREV-001" if has_failed(findings, "PREV-001") else "")


@check("PREV-002", ["json"], needs=["previews of all kinds"], feature="preview", order=LATE)
def test_prev_002_near_misses_are_rejected(session: Session, findings: list[Finding]) -> None:
    """A language or a script in small letters is rejected."""
    language, script = (
        get_component("LanguageCode")["enum"][0],
        get_left_values("Transliteration", [])[1],
    )
    cases = {"languageCode": language.lower(), "transliteration": script.lower()}
    for index, (name, value) in enumerate(cases.items()):
        document = {"text": read_example("preview-request")["text"], name: value}
        label = f"with {name} in small letters"
        found = request_preview(session, index, label, document, succeeds=False)
        assert_rejected(found, "HTTP 400", findings)


@check("PREV-003", ["json"], needs=["previews of all kinds"], feature="preview", order=LATE)
def test_prev_003_original_text_is_whole(session: Session, findings: list[Finding]) -> None:
    """OriginalText and the first textPreview have every character of the text, and each preview its configuration."""
    for found in iter_value_previews(session):
        if not is_ok(found):
            root = "PREV-001" if has_failed(findings, "PREV-001") else "PREV-002"
            raise Inconclusive(found.got, caused_by=root, exchange=found)
        previews = find_list(found.data, "previews") or []
        texts = [read_text(found.data, "originalText")]
        texts += [read_text(preview, "textPreview") for preview in previews[:1]]
        if any(text != TEXT for text in texts):
            got = "another text than that of the request"
            with explained_by(*(["XML-004", "HTTP-005"] if found.wire == "xml" else [])):
                raise CheckFailed(Mismatch("originalText", "as it was sent", got), exchange=found)
        if previews and not isinstance(previews[-1].get("configuration"), dict):
            wrong = Mismatch("previews[-1].configuration", "an object", "nothing")
            raise CheckFailed(wrong, exchange=found)
        shown = {value for preview in previews for _, value in read_options(preview)}
        for name in (LANGUAGE, SCRIPT):
            if (value := found.document.get(name)) and value not in shown:
                wrong = Mismatch(
                    "previews[].configuration", f"{name} {show(value)}", "none that has it"
                )
                with explained_by("PREV-002"):
                    raise CheckFailed(wrong, exchange=found)


@check("PREV-004", ["json"], needs=["full preview"], feature="preview", order=LATE)
def test_prev_004_characters_that_take_two(session: Session) -> None:
    """A text with characters that GSM-7 writes as two fills one segment."""
    found = request_preview(session, SECOND_FORMAT, "of a full segment", {"text": FULL})
    if not is_ok(found):
        raise Inconclusive(found.got, caused_by="PREV-001", exchange=found)
    for preview in (find_list(found.data, "previews") or [])[:1]:
        count = [read_text(preview, name) for name in ("messageCount", "charactersRemaining")]
        if not all(map(INTEGER.fullmatch, count)):
            raise Inconclusive("no numbers", caused_by="PREV-003", exchange=found)
        if count != ["1", "0"]:
            got = f"messageCount and charactersRemaining {' and '.join(count)}"
            raise CheckFailed(got, expected="1 and 0", exchange=found)


@check("PREV-001", ["json"], needs=["preview of null"], feature="preview", order=LATE)
def test_prev_001_null_is_no_text(session: Session, findings: list[Finding]) -> None:
    """A preview of null is rejected."""
    found = request_preview(session, FIRST_FORMAT, "of null", {"text": None}, succeeds=False)
    assert_rejected(found, "HTTP 400", findings)
