"""What a developer should know about a request although it is accepted, or beside the documented error.

Each remark is logged once. None of them changes what a response contains; that of a 401 is also a header.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infobip_sms.rules import check_senders, count_national_numbers
from infobip_sms.sandbox.lifecycle.representations import REPLACED, has_illegal_characters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms_schema import SmsRequest, SmsRequestV1

    from infobip_sms.sandbox.config import SandboxSettings

HEADER = "sandbox-note"
_LOG = logging.getLogger(__name__)
_KNOWN_SCHEMES = ("bearer", "ibsso")


class Remarks:
    """The remarks of one sandbox."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def note_request(self, body: bytes, request: SmsRequest | SmsRequestV1) -> None:
        """Log what is remarkable in a valid send request."""
        for text in _find_remarks(body, request):
            self._log(text)

    def note_credentials(self, header: str, settings: SandboxSettings) -> str:
        """Log and return why an Authorization header was rejected; it is not quoted."""
        text = f"401: {_explain_credentials(header, settings)}"
        self._log(text)
        return text

    def _log(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            _LOG.warning("sandbox: %s", text)


def _find_remarks(body: bytes, request: SmsRequest | SmsRequestV1) -> Iterator[str]:
    if b"content" in body and not all(m.text for m in request.messages):  # READ-010
        yield (
            "a message without a text has the field 'content', as in a request for /sms/3/messages;"
            " this sandbox offers version 2, which has 'text' and 'from' instead"
        )
    texts = (text for m in request.messages for text in (m.text, m.callback_data, m.from_))
    if any(map(has_illegal_characters, texts)):  # TEXT-002
        yield f"a message has {REPLACED}"
    if count_national_numbers(request):  # SEND-008
        yield (
            "a destination begins with 0, as no country code does; write the number with its country"
            " code, and without 0 or 00 before it"
        )
    if check_senders(request):  # SEND-003
        yield "a sender is blank, or has a line break or other characters that are not visible"


def _explain_credentials(header: str, settings: SandboxSettings) -> str:
    scheme, _, secret = header.strip().partition(" ")
    scheme, secret = scheme.lower(), secret.strip().lower()
    accepted = [f"Basic with the user {settings.user}"] if settings.user is not None else []
    accepted += ["App and the API key"] if settings.api_key is not None else []
    expected = f"expected {' or '.join(accepted)}"
    if not header:
        return f"{expected}, got no Authorization header"
    if scheme == "app" and settings.api_key is None:
        return "this sandbox has no API key; start it with --api-key KEY"
    if scheme == "app" and secret.startswith("app "):
        return "the header has App twice; leave it out of the key"
    if scheme in {"app", "basic"}:
        what = "API key" if scheme == "app" else "user or password"
        return f"{expected}, got {scheme.capitalize()} with another {what}"
    other = scheme.capitalize() if scheme in _KNOWN_SCHEMES else "another scheme"
    return f"{expected}, got {other}"
