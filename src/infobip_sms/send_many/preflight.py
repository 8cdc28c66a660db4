"""Check destinations before anything is sent: numbers, duplicates, segments, cost."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import attrs

from infobip_sms.text.segments import SegmentCount, count_segments
from infobip_sms.text.transliteration import transliterate

from .suppression import Skip, build_skip, normalize_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from decimal import Decimal

    from infobip_sms_schema import Message

Problem = Literal["impossible", "invalid", "landline", "duplicate", "suppressed"]
_ANY_COUNTRY = "*"
_MISSING = "phonenumbers is not installed; run: pip install 'infobip-sms[numbers]'"


@attrs.frozen(kw_only=True)
class CheckedDestination:
    """What is known of one destination before it is sent.

    index: Its place in the input, from 0, counting destinations.
    to: Its telephone number, as the input has it.
    number: The number in international format, digits alone; as it is if it is impossible.
    country: ISO 3166 code of its country, such as ``CH``; None if unknown.
    problems: ``impossible`` and ``invalid`` numbers reach nobody; the others are warnings.
    duplicate_of: Index of the first destination with the same number, if this is not the
        first.
    count: Segments and encoding of its text.
    cost: Price of its segments; None without a price for its country.
    """

    index: int
    to: str
    number: str
    country: str | None
    problems: tuple[Problem, ...]
    duplicate_of: int | None
    count: SegmentCount
    cost: Decimal | None

    @property
    def is_reachable(self) -> bool:
        """Whether a message to the number may arrive."""
        return not {"impossible", "invalid"} & set(self.problems)


def preflight(
    messages: Iterable[Message],
    *,
    region: str | None = None,
    skip: Skip | None = None,
    prices: Mapping[str, Decimal] | None = None,
) -> Iterator[CheckedDestination]:
    """Check messages without sending any: yield a CheckedDestination for each destination, in order.

    region: ISO code of the country of numbers that are written without a country code, such as ``CH``.
    skip: suppressed numbers, as for ``send_many``.
    prices: price of a segment for each country code; ``"*"`` for all others.

    Requires the extra ``numbers``. Memory grows by about 150 bytes for each number, for duplicates.
    """
    parse = build_number_parser(region)
    is_skipped = build_skip(skip)
    first: dict[str, int] = {}
    index = 0
    for message in messages:
        count = count_message(message)
        for destination in message.destinations:
            number, country, problem = parse(destination.to)
            problems: list[Problem] = [problem] if problem else []
            original = first.setdefault(number, index)
            if original != index:
                problems.append("duplicate")
            if is_skipped(number):
                problems.append("suppressed")
            yield CheckedDestination(
                index=index,
                to=destination.to,
                number=number,
                country=country,
                problems=tuple(problems),
                duplicate_of=original if original != index else None,
                count=count,
                cost=_get_cost(prices or {}, country, count.segments),
            )
            index += 1


def count_message(message: Message) -> SegmentCount:
    """Count the segments of a message's text, rewritten as it asks for."""
    code = message.language.language_code if message.language else None
    return _count(message.text or "", code, message.transliteration)


@lru_cache(1024)
def _count(text: str, code: str | None, script: str | None) -> SegmentCount:
    if script:
        with suppress(ModuleNotFoundError):  # then it is counted as it is written
            text = transliterate(text, script).text
    return count_segments(text, code)


def _get_cost(prices: Mapping[str, Decimal], country: str | None, segments: int) -> Decimal | None:
    price = prices.get(country or _ANY_COUNTRY, prices.get(_ANY_COUNTRY))
    return None if price is None else price * segments


def build_number_parser(
    region: str | None,
) -> Callable[[str], tuple[str, str | None, Problem | None]]:
    """Return what finds the international form, the country and the problem of a number."""
    try:
        import phonenumbers  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise ModuleNotFoundError(_MISSING, name="phonenumbers") from None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("region: expected the ISO code of a country, such as CH")
    landline = phonenumbers.PhoneNumberType.FIXED_LINE

    def parse(to: str) -> tuple[str, str | None, Problem | None]:
        digits = normalize_number(to)
        national = region is not None and digits == to.strip() and digits.startswith("0")
        try:
            found = phonenumbers.parse(to if national else f"+{digits}", region)
        except phonenumbers.NumberParseException:
            return digits, None, "impossible"
        number = f"{found.country_code}{phonenumbers.national_significant_number(found)}"
        country = phonenumbers.region_code_for_number(found)
        kind = phonenumbers.number_type(found)
        if country is None or kind == phonenumbers.PhoneNumberType.UNKNOWN:
            possible = phonenumbers.is_possible_number(found)
            return number, country, "invalid" if possible else "impossible"
        return number, country, "landline" if kind == landline else None

    return parse
