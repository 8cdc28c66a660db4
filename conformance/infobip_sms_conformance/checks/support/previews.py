"""The options of a preview, which its configuration repeats."""

from typing import Any

from infobip_sms_conformance.checks.support.calls import read_text

LANGUAGE, SCRIPT = "languageCode", "transliteration"


def read_options(preview: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the configuration of a preview, without fields that say nothing."""
    configuration = preview.get("configuration")
    language = configuration.get("language") if isinstance(configuration, dict) else None
    found = ((LANGUAGE, read_text(language, LANGUAGE)), (SCRIPT, read_text(configuration, SCRIPT)))
    return tuple((name, value) for name, value in found if value)
