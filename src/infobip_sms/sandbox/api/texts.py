"""Texts: transliteration, short links, segment count and preview."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import (
    InvalidRequestError,
    Preview,
    PreviewConfiguration,
    PreviewLanguage,
    PreviewResponse,
)

from infobip_sms.text.segments import count_segments
from infobip_sms.text.transliteration import transliterate

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import (
        Language,
        LanguageCode,
        LanguageV1,
        PreviewRequest,
        Transliteration,
        TransliterationV1,
    )

    from infobip_sms.text.segments import SegmentCount

_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?')\]]", re.IGNORECASE)


@attrs.frozen
class TextOptions:
    """How a text is transliterated and counted."""

    language: LanguageCode | None = None
    locking_shift: bool | None = None
    single_shift: bool | None = None
    transliteration: str | None = None


def build_text_options(
    language: Language | LanguageV1 | None,
    transliteration: Transliteration | TransliterationV1 | None,
) -> TextOptions:
    """Return the text options of a message of either version (V1-004)."""
    return TextOptions(
        language.language_code if language else None,
        getattr(language, "locking_shift", None),
        getattr(language, "single_shift", None),
        transliteration,
    )


def apply_transliteration(text: str, options: TextOptions) -> str:
    """Return a text transliterated, or unchanged if the optional library is not installed."""
    if options.transliteration is None:
        return text
    try:
        return transliterate(text, options.transliteration).text
    except ModuleNotFoundError:
        return text


def shorten_links(text: str, make_link: Callable[[str], str]) -> str:
    """Return a text with every link in it replaced (TRACK-001)."""
    return _LINK.sub(lambda match: make_link(match[0]), text)


def count(text: str, options: TextOptions) -> SegmentCount:
    """Count the segments; shifts that the language does not have are ignored (READ-033)."""
    try:
        return count_segments(
            text,
            options.language,
            locking_shift=options.locking_shift,
            single_shift=options.single_shift,
        )
    except InvalidRequestError:
        return count_segments(text, options.language)


def preview(request: PreviewRequest) -> PreviewResponse:
    """Preview a text unchanged, then with the language, then also transliterated (PREV-003, PREV-004)."""
    language, script = request.language_code, request.transliteration
    variants = [TextOptions()]
    if language is not None:
        variants.append(TextOptions(language=language))
    if script is not None:
        variants.append(TextOptions(language=language, transliteration=script))
    return PreviewResponse(
        original_text=request.text,
        previews=[_preview(request.text, options) for options in variants],
    )


def _preview(text: str, options: TextOptions) -> Preview:
    text = apply_transliteration(text, options)
    counted = count(text, options)
    language = PreviewLanguage(language_code=options.language) if options.language else None
    return Preview(
        text_preview=text,
        message_count=counted.segments,
        characters_remaining=counted.remaining,
        configuration=PreviewConfiguration(
            language=language, transliteration=options.transliteration
        ),
    )
