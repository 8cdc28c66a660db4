"""The preview of a text."""

from typing import Any

from tests.conformance.mutation.independent_server.gsm import count, find_language, transliterate
from tests.conformance.mutation.independent_server.replies import PREVIEW, Reply, build_error
from tests.conformance.mutation.independent_server.traits import Traits
from tests.conformance.mutation.independent_server.values import LANGUAGES, TRANSLITERATIONS


def preview(data: dict[str, Any], traits: Traits) -> Reply:
    """Answer POST /sms/1/preview."""
    text = data.get("text")
    if text is None and traits.breaks("preview-text-optional"):
        text = ""
    code, script = data.get("languageCode"), data.get("transliteration")
    if traits.breaks("preview-language-nested"):
        nested = data.get("language")
        code = nested.get("languageCode") if isinstance(nested, dict) else None
    if not isinstance(text, str):
        return build_error(400, "BAD_REQUEST", "[text : must be a string]")
    if not _is_known(code, LANGUAGES, traits):
        return build_error(400, "BAD_REQUEST", "[languageCode : unknown]")
    if not _is_known(script, TRANSLITERATIONS, traits):
        return build_error(400, "BAD_REQUEST", "[transliteration : unknown]")
    code = code if code in LANGUAGES else None
    script = script if script in TRANSLITERATIONS else None
    previews = [_show(text, *choice, traits) for choice in _choose(code, script, traits)]
    if traits.breaks("preview-configured-first"):
        previews.reverse()
    reply: dict[str, Any] = {"originalText": text, "previews": previews}
    if traits.breaks("preview-original-missing"):
        del reply["originalText"]
    return Reply(200, reply, PREVIEW)


def _is_known(value: Any, choices: tuple[str, ...], traits: Traits) -> bool:
    return value is None or value in choices or traits.breaks("preview-any")


def _choose(
    code: str | None, script: str | None, traits: Traits
) -> list[tuple[str | None, str | None]]:
    choices: list[tuple[str | None, str | None]] = [(None, None)]
    if traits.breaks("preview-plain-only"):
        return choices
    if code and script and not traits.takes("two-previews"):
        choices.append((code, None))
    return [*choices, (code, script)] if code or script else choices


def _show(text: str, code: str | None, script: str | None, traits: Traits) -> dict[str, Any]:
    shown = transliterate(text, script) if script else text
    counted = count(shown, find_language(code) if code else None, traits)
    configuration: dict[str, Any] = {"language": {"languageCode": code}} if code else {}
    if script:
        configuration["transliteration"] = script
    used = 0 if traits.breaks("preview-remaining-used") else counted.remaining
    return {
        "textPreview": text if traits.breaks("preview-text-untouched") else shown,
        "messageCount": counted.segments,
        "charactersRemaining": used,
        "configuration": configuration,
    }
