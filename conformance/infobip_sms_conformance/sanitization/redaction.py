"""What has to be hidden of a run: numbers, texts of messages, credentials, however they are written.

Numbers are shown as $TO, $TO2 …, credentials as $AUTH, texts as an ellipsis. Whoever sets these variables
in a shell can paste what is shown. A server may write any of them in another way: with separators, behind a
prefix, in part, with escapes; and numbers, texts and callback data that the run has never seen.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import VALUE_END, VALUE_START
from infobip_sms_conformance.transport.credentials import Credentials

ELLIPSIS = "..."
AUTH, OTHER_NUMBER = "$AUTH", "$OTHER"
TEXT_FIELDS = {"text", "originalText", "textPreview"}
NUMBER_FIELDS = {"to", "from"}
CALLBACK_DATA = "callbackData"
PIECE_LENGTH = 12
"""So many characters in a row of a text that was sent are not shown anywhere."""
LONG_NUMBER, LONG_SECRET, SHORTEST_TEXT, SHARED_PREFIX = 8, 8, 4, 8
LONGEST_NUMBER = 30
"""Digits at the end of a number that are also hidden without its first digits; more are no number."""
ANY_NUMBER = re.compile(r"\+?\d(?:[ ().-]?\d){4,}")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
# Controls but for tabs and ends of lines, what turns the direction of writing, what cannot be seen (tags as
# well), and what is not a character.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)
# What the log of a build obeys: at the start of a line on GitHub, anywhere in one on Azure.
COMMAND = re.compile(r"(?<!\S)::(?=[A-Za-z][^\n]*?::)|##(?=(?:vso)?\[)")
VALUE = re.compile(f"{VALUE_START}(.*?){VALUE_END}", re.DOTALL)
NEVER = re.compile(r"(?!)")


@dataclass(frozen=True)
class Mask:
    """Hides what has to be hidden in a run."""

    numbers: tuple[str, ...]
    """The digits of every number that may get messages."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Every spelling of the credentials, the longest first."""
    texts: re.Pattern[str] = field(default=NEVER, repr=False)
    """Texts that were sent and are shorter than a piece."""
    pieces: frozenset[str] = field(default=frozenset(), repr=False)
    """Pieces of the texts that were sent."""
    callback_data: tuple[str, ...] = field(default=(), repr=False)
    """What the suite has sent, which may be shown."""

    def hide(self, text: str) -> str:
        """Return a single value as it may be printed."""
        return clean(self.hide_within(text))

    def hide_within(self, text: str) -> str:
        """Return a single value without what has to be hidden in it, also where it is escaped."""
        hidden = self._hide(text, self.secrets)
        plain = unquote_plus(html.unescape(unescape(hidden)))
        if plain != hidden and (found := self._hide(plain, self.secrets)) != plain:
            return found
        return hidden

    def hide_words(self, text: str) -> str:
        """Return words of the suite, in which a short secret is nothing but a word; values are hidden as such."""
        long = [secret for secret in self.secrets if len(secret) >= LONG_SECRET]
        plain = VALUE.sub(lambda match: self.hide_within(match[1]), text)
        return clean(self._hide(plain, long))

    def hide_value(self, name: str, text: str, *, error: bool = False) -> str:
        """Return the value of a field that a server has written; error: its text is an explanation."""
        foreign = name == CALLBACK_DATA and not self._is_ours(text)
        if foreign or (name in TEXT_FIELDS and not error):
            return ELLIPSIS if text.strip() else text
        hidden = self.hide_within(text)
        return ANY_NUMBER.sub(OTHER_NUMBER, hidden) if name in NUMBER_FIELDS else hidden

    def hide_number(self, value: str) -> str:
        """Return a destination with a variable for the number, or one for each side of a sign in it."""
        digits = "".join(filter(str.isdecimal, value))
        found = re.fullmatch(r"(\d+)(\D+)(\d+)", value)
        if found is None or digits not in self.numbers:
            return self.hide_within(value)
        name = name_variable(self.numbers.index(digits))
        before, sign, after = found.groups()
        return f"${{{name}%{'?' * len(after)}}}{sign}${{{name}#{'?' * len(before)}}}"

    def _hide(self, text: str, secrets: Sequence[str]) -> str:
        lowered = text.lower()
        if found := tuple(secret for secret in secrets if secret.lower() in lowered):
            text = build_secret_pattern(found).sub(lambda _: AUTH, text)
        for index, number in enumerate(self.numbers):
            text = build_number_pattern(number).sub(f"${name_variable(index)}", text)
        return hide_pieces(self.texts.sub(ELLIPSIS, text), self.pieces)

    def _is_ours(self, text: str) -> bool:
        start = text[:SHARED_PREFIX]
        return any(start and data.startswith(start) for data in self.callback_data)


@dataclass(frozen=True)
class RequestMask(Mask):
    """Hides what has to be hidden of the suite's own requests: numbers and credentials, and texts unless they may be shown."""

    shows_texts: bool = False

    def hide_value(self, name: str, text: str, *, error: bool = False) -> str:
        """Return the value of a field with variables for numbers."""
        if name in TEXT_FIELDS and not error:
            return text if self.shows_texts else ELLIPSIS if text else text
        return self.hide_number(text) if name == "to" else self.hide_within(text)


def build_request_mask(mask: Mask, *, shows_texts: bool = False) -> RequestMask:
    """Return the mask of the requests of a run; shows_texts: the suite's own texts stay."""
    found = RequestMask(**{f.name: getattr(mask, f.name) for f in fields(mask)})
    if not shows_texts:
        return found
    return replace(found, shows_texts=True, texts=NEVER, pieces=frozenset())


def build_mask(
    exchanges: Iterable[Exchange], credentials: Credentials, allowed: Sequence[str]
) -> Mask:
    """Return the mask of a run: what it sent, with which credentials, to which numbers."""
    sent = [e for e in exchanges if e.request is not None]
    documents = [e.document for e in sent]
    documents += [read_example(f"{kind}-request") for kind in ("minimal", "documented")]
    used = {e.request.headers.get("authorization", "") for e in sent if e.request}
    secrets = collect_secrets(credentials, used)
    texts = {text.strip() for text in iter_field_values(documents, TEXT_FIELDS)}
    return Mask(
        tuple(number.removeprefix("+") for number in allowed),
        secrets,
        build_text_pattern(texts),
        frozenset(iter_pieces(texts)),
        tuple(sorted(set(iter_field_values(documents, {CALLBACK_DATA})))),
    )


def collect_secrets(credentials: Credentials, used: Iterable[str] = ()) -> tuple[str, ...]:
    """Return every spelling of the credentials, and of what was sent in their place, the longest first."""
    plain = {credentials.user, credentials.password, credentials.api_key}
    plain |= {value for _, value in credentials.headers}
    plain |= {value.partition(" ")[2] for value in (*used, credentials.basic or "")}
    found = {spelling for secret in plain if secret for spelling in iter_spellings(secret)}
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def iter_spellings(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (html.escape(secret), json.dumps(secret)[1:-1])
    yield base64.b64encode(secret.encode()).decode()


@cache
def build_secret_pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of secrets; a short one is hidden as a word, not within words."""
    word = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"
    found = [
        re.escape(secret) if len(secret) >= LONG_SECRET else word.format(re.escape(secret))
        for secret in secrets
    ]
    return re.compile("|".join(found), re.IGNORECASE)


def build_text_pattern(texts: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of the texts that are shorter than a piece, but no mere sign or syllable."""
    short = sorted(re.escape(text) for text in texts if SHORTEST_TEXT <= len(text) < PIECE_LENGTH)
    return re.compile("|".join(short)) if short else NEVER


@cache
def build_number_pattern(number: str) -> re.Pattern[str]:
    """Return the pattern of a number: with a sign between any two digits, or without its first digits."""
    if len(number) < LONG_NUMBER:
        return re.compile(rf"(?<!\d){number}(?!\d)")
    start = ""
    for digit in number[-LONGEST_NUMBER:-LONG_NUMBER]:  # from any of the first digits on
        start = rf"(?:{start}{digit}\D?)?"
    own = start + r"\D?".join(number[-LONG_NUMBER:])
    return re.compile(f"{number}|{own}" if len(number) > LONGEST_NUMBER else own)


def name_variable(index: int) -> str:
    """Return the name of the variable that stands for a number."""
    return f"TO{index + 1}" if index else "TO"


def iter_field_values(value: Any, names: set[str]) -> Iterator[str]:
    """Yield the texts of all fields of some names."""
    if isinstance(value, list):
        for item in value:
            yield from iter_field_values(item, names)
    if isinstance(value, dict):
        for name, member in value.items():
            if name in names and isinstance(member, str):
                yield member
            else:
                yield from iter_field_values(member, names)


def iter_pieces(texts: Iterable[str]) -> Iterator[str]:
    """Yield every piece of some texts."""
    for text in texts:
        yield from (text[n : n + PIECE_LENGTH] for n in range(len(text) - PIECE_LENGTH + 1))


def hide_pieces(text: str, pieces: frozenset[str]) -> str:
    """Return a text with an ellipsis for whatever consists of pieces of texts that were sent."""
    found = [n for n in range(len(text) - PIECE_LENGTH + 1) if text[n : n + PIECE_LENGTH] in pieces]
    shown, end = "", 0
    for start in found:
        if start > end or not shown:
            shown += text[end:start] + ELLIPSIS
        end = start + PIECE_LENGTH
    return shown + text[end:]


def unescape(text: str) -> str:
    r"""Return a text with characters for what is written as \uXXXX."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def clean(text: str) -> str:
    """Return a text without what a terminal or the log of a build would obey, or what cannot be written to a file.

    Every file and every line on the terminal goes through here.
    """
    return COMMAND.sub(
        lambda match: f"\\u{ord(match[0][0]):04x}{match[0][1:]}", clean_characters(text)
    )


def clean_characters(text: str) -> str:
    """Return a text without what a terminal would obey, for what the suite itself tells the log of a build."""
    return UNPRINTABLE.sub(escape_character, text)


def escape_character(match: re.Match[str]) -> str:
    r"""Return a character as JSON escapes it: \uXXXX, twice for one outside of the first plane."""
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
