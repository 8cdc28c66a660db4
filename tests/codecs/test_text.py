"""Segments and transliteration: the vendor's own examples, both sides of every border, and third parties."""

# ruff: noqa: RUF001 - letters that look alike are the point of these tests

from __future__ import annotations

import json
import sys
import unicodedata
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

import attrs
import gsmcodecs  # type: ignore[import-untyped] # noqa: F401 - registers its codecs
import pytest
from gsmcodecs.charmaps import GSMCHARMAPS  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from infobip_sms import InvalidRequestError, LanguageCode, Transliteration
from infobip_sms.text import gsm7, transliteration
from infobip_sms.text.segments import SegmentCount, count_segments
from infobip_sms.text.transliteration import transliterate

PLAIN = "Let's see how many characters remain unused in this message."
TURKISH = (
    "Mesaj gönderimi yapmadan önce önizleme seçeneğini kullanmanız doğru karar vermenize "
    "yardımcı olur."
)
GREEK = (
    "Ως Μεγαρικό ψήφισμα είναι γνωστή η απόφαση της Εκκλησίας του δήμου των Αθηναίων (πιθανόν γύρω "
    "στο 433/2 π.Χ.) να επιβάλει αυστηρό και καθολικό εμπάργκο στα"
)
GREEK_SENT = (
    "ΩΣ MEΓAPIKO ΨHΦIΣMA EINAI ΓNΩΣTH H AΠOΦAΣH THΣ EKKΛHΣIAΣ TOY ΔHMOY TΩN AΘHNAIΩN (ΠIΘANON ΓYPΩ "
    "ΣTO 433/2 Π.X.) NA EΠIBAΛEI AYΣTHPO KAI KAΘOΛIKO EMΠAPΓKO ΣTA"
)
BASIC = "".join(gsm7.DEFAULT.values())
EXTENSION = "".join(gsm7.EXTENSION.values())
NATIONAL = "ÇçĞğİıŞşÁáÀàÂâÃãÉéÊêÍíÓóÔôÕõÚúÜüªº`∞€"
PAIR = "\U0001f600"
BORDERS = [0, 1, 2, 65, 68, 69, 70, 71, 132, 133, 134, 135, 136, 144, 147, 151, 152, 153, 154, 155]
BORDERS += [
    156,
    158,
    159,
    160,
    161,
    162,
    290,
    293,
    298,
    299,
    304,
    305,
    306,
    307,
    308,
    458,
    459,
    460,
]
# Identifiers of 3GPP TS 23.038, 6.2.1.2.4, by which gsmcodecs names its tables.
IDENTIFIERS = {LanguageCode.TR: 1, LanguageCode.ES: 2, LanguageCode.PT: 3}
SHIFTS = [
    (LanguageCode.TR, True, False, 155, 149),
    (LanguageCode.TR, False, True, 155, 149),
    (LanguageCode.TR, True, True, 152, 146),
    (LanguageCode.ES, False, True, 155, 149),
    (LanguageCode.PT, True, False, 155, 149),
    (LanguageCode.PT, False, True, 155, 149),
    (LanguageCode.PT, True, True, 152, 146),
]


def find_violations(call: Any, *values: Any, **named: Any) -> list[tuple[str, str]]:
    """Return path and requirement of what a call rejects; no word of the text is in its reason."""
    with pytest.raises(InvalidRequestError) as caught:
        call(*values, **named)
    assert "secret" not in str(caught.value)
    return [(problem.path, problem.requirement_id) for problem in caught.value.violations]


def build_texts(alphabet: str, *more: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return texts whose lengths crowd at the borders, with characters strewn in anywhere."""
    character = st.one_of(st.sampled_from(alphabet), *more)
    lengths = st.sampled_from(BORDERS) | st.integers(0, 470)
    strewn = st.lists(st.tuples(st.integers(0, 470), character), max_size=6)

    def strew(filler: str, length: int, others: list[tuple[int, str]]) -> str:
        text = filler * length
        for where, other in others:
            text = text[:where] + other + text[where + 1 :]
        return text

    return st.builds(strew, character, lengths, strewn)


def facts(count: SegmentCount) -> tuple[str, int, int, int, int]:
    """Return what an independent count states too."""
    return count.encoding, count.segments, count.remaining, count.units, count.per_segment


def find_costs(text: str, codec: str) -> list[int]:
    """Return what gsmcodecs spends on each character, 0 for one that it lacks."""
    return [len(character.encode(codec, "ignore")) for character in text]


def split_costs(costs: list[int], alone: int, multi: int) -> tuple[int, int, int]:
    """Return segments, units left in the last one, and units of each, for characters of such costs."""
    if sum(costs) <= alone:
        return 1, alone - sum(costs), alone
    segments, rest = 0, costs
    while rest:
        taken = sum(1 for _ in takewhile(lambda total: total <= multi, accumulate(rest)))
        segments, last, rest = segments + 1, sum(rest[:taken]), rest[taken:]
    return segments, multi - last, multi


def count_plainly(text: str) -> tuple[str, int, int, int, int]:
    """Return what a count states that has its costs from gsmcodecs, or from UTF-16."""
    costs = find_costs(text, "gsm23.038-0-0")
    if 0 not in costs:
        segments, left, room = split_costs(costs, 160, 153)
        return "GSM-7", segments, left, sum(costs), room
    costs = [len(character.encode("utf-16-le")) // 2 for character in text]
    segments, left, room = split_costs(costs, 70, 67)
    return "UCS-2", segments, left, sum(costs), room


# ------------------------------------------------------------------ what the vendor shows


@pytest.mark.parametrize(
    ("text", "language", "segments", "remaining"),
    [
        (PLAIN, None, 1, 100),
        (TURKISH, None, 2, 36),
        (TURKISH, "TR", 1, 57),
        (GREEK, None, 3, 46),
        (GREEK_SENT, None, 1, 5),
    ],
    ids=["plain", "turkish", "turkish-TR", "greek", "greek-transliterated"],
)
def test_previews_of_the_vendor_hold(
    text: str, language: str | None, segments: int, remaining: int
) -> None:
    """Every preview in the vendor's specification counts as it says."""
    count = count_segments(text, language)

    assert (segments, remaining) == (count.segments, count.remaining)


def test_three_spanish_letters_leave_152_characters() -> None:
    """The vendor's example of a single shift: with Ú three times, 152 characters fill a message."""
    count = count_segments("Ú" * 3 + "a" * 149, LanguageCode.ES)

    assert (count.segments, count.remaining, count.units) == (1, 0, 155)


def test_a_language_costs_its_header_in_a_text_that_does_not_need_it() -> None:
    """A text of 66 plain characters leaves 94, and 89 with TR, as a community client's fixture says."""
    text = "Let's see how many characters will remain unused in this message ."

    assert count_segments(text).remaining == 94
    assert count_segments(text, "TR").remaining == 89


# ------------------------------------------------------------------ tables


@pytest.mark.parametrize(
    ("ours", "identifier", "kind"),
    [
        (gsm7.DEFAULT, 0, "locking"),
        (gsm7.EXTENSION, 0, "singleShift"),
        *((table, IDENTIFIERS[code], "locking") for code, table in gsm7.LOCKING_SHIFT.items()),
        *((table, IDENTIFIERS[code], "singleShift") for code, table in gsm7.SINGLE_SHIFT.items()),
    ],
)
def test_tables_agree_with_an_independent_table_in_every_code(
    ours: dict[int, str], identifier: int, kind: str
) -> None:
    """Each table has the characters that gsmcodecs has, code by code, but for the escape itself."""
    theirs = GSMCHARMAPS[identifier][kind]["decode"]

    assert {code: chr(point) for code, point in theirs.items() if code != 0x1B} == ours
    assert len(set(ours.values())) == len(ours)


def test_there_is_no_locking_shift_for_spanish() -> None:
    """The languages with tables are those of the contract, and only Spanish lacks a locking one."""
    assert set(LanguageCode) == gsm7.SINGLE_SHIFT.keys()
    assert {LanguageCode.TR, LanguageCode.PT} == gsm7.LOCKING_SHIFT.keys()
    assert "locking" not in GSMCHARMAPS[IDENTIFIERS[LanguageCode.ES]]


# ------------------------------------------------------------------ counting, against third parties


TABLE = json.loads(Path(__file__).with_name("segment_counts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("recipe", "expected"), TABLE)
def test_segments_are_those_of_the_table(
    recipe: list[tuple[str, int]], expected: list[Any]
) -> None:
    """The counts that smsutil 1.1.3 gave for texts on both sides of every border."""
    text = "".join(piece * times for piece, times in recipe)

    assert tuple(expected) == facts(count_segments(text)) == count_plainly(text)


@given(build_texts(BASIC + EXTENSION))
def test_gsm_text_counts_as_a_plain_count_of_its_costs(text: str) -> None:
    """Texts of GSM-7 with extension characters have the same segments, units and remainder."""
    assert count_plainly(text) == facts(count_segments(text))


@given(
    build_texts(
        "aж€^" + PAIR,
        # gsmcodecs takes the escape code for a character, and halves of pairs are no text
        st.characters(exclude_categories=["Cs"], exclude_characters="\x1b"),
    )
)
def test_any_text_counts_as_a_plain_count_of_its_costs(text: str) -> None:
    """Texts of any characters have the same alphabet, segments, units and remainder."""
    assert count_plainly(text) == facts(count_segments(text))


@pytest.mark.parametrize("case", SHIFTS, ids=str)
@given(data=st.data())
def test_national_text_counts_as_in_the_table_of_expected_values(
    case: tuple[LanguageCode, bool, bool, int, int], data: st.DataObject
) -> None:
    """A language has its characters at the cost that gsmcodecs gives them."""
    language, locking, single, alone, multi = case
    codec = f"gsm23.038-{IDENTIFIERS[language] * locking}-{IDENTIFIERS[language] * single}"
    every = BASIC + EXTENSION + NATIONAL
    known = "".join(c for c, cost in zip(every, find_costs(every, codec), strict=True) if cost)
    text = data.draw(build_texts(known))
    costs = find_costs(text, codec)
    segments, left, room = split_costs(costs, alone, multi)
    count = count_segments(text, language, locking_shift=locking, single_shift=single)

    assert (count.language, count.locking_shift, count.single_shift) == (language, locking, single)
    assert facts(count) == ("GSM-7", segments, left, sum(costs), room)


@pytest.mark.parametrize("case", SHIFTS, ids=str)
def test_a_language_has_no_character_beyond_those_of_an_independent_table(
    case: tuple[LanguageCode, bool, bool, int, int],
) -> None:
    """Of all characters up to the euro, those that gsmcodecs lacks force Unicode, and only those."""
    language, locking, single, *_ = case
    codec = f"gsm23.038-{IDENTIFIERS[language] * locking}-{IDENTIFIERS[language] * single}"
    every = "".join(chr(point) for point in range(0x2300) if point != 0x1B)
    lacked = [c for c, cost in zip(every, find_costs(every, codec), strict=True) if not cost]
    count = count_segments(every, language, locking_shift=locking, single_shift=single)

    assert list(count.unicode_characters) == lacked


# ------------------------------------------------------------------ counting, by hand


@pytest.mark.parametrize(
    ("character", "shift", "alone", "multi"),
    [
        ("a", {}, 160, 153),
        ("ж", {}, 70, 67),
        ("ı", {"language": "TR"}, 155, 149),
        ("ã", {"language": "PT"}, 155, 149),
        ("a", {"language": "ES"}, 155, 149),
        ("ı", {"language": "TR", "locking_shift": True, "single_shift": True}, 152, 146),
    ],
    ids=["gsm", "ucs2", "TR", "PT", "ES", "TR-both"],
)
def test_borders_of_one_two_and_three_segments(
    character: str, shift: dict[str, Any], alone: int, multi: int
) -> None:
    """One unit more than fits makes a new segment, and each of several holds less than a single one."""
    lengths = [1, alone, alone + 1, 2 * multi, 2 * multi + 1, 3 * multi]
    counts = [count_segments(character * length, **shift) for length in lengths]

    assert [count.segments for count in counts] == [1, 1, 2, 2, 3, 3]
    assert [alone - 1, 0, 2 * multi - alone - 1, 0, multi - 1, 0] == [c.remaining for c in counts]
    assert [alone] * 2 + [multi] * 4 == [count.per_segment for count in counts]
    assert lengths == [count.units for count in counts]


@pytest.mark.parametrize("shift", [None, "TR", "ES", "PT"])
def test_an_empty_text_is_one_segment(shift: str | None) -> None:
    """A message of no text takes one segment, all of it free but for the header."""
    count = count_segments("", shift)

    assert (count.segments, count.units) == (1, 0)
    assert count.remaining == count.per_segment == (155 if shift else 160)


@pytest.mark.parametrize("character", EXTENSION)
def test_an_extension_character_costs_two_septets(character: str) -> None:
    """Each character of the extension table takes two of 160."""
    assert attrs.astuple(count_segments(character))[3:1:-1] == (2, 158)


def test_an_escape_sequence_is_not_split() -> None:
    """An extension character that would begin in the last septet of a segment goes to the next one."""
    count = count_segments("a" * 152 + "^" + "a" * 151)
    over = count_segments("a" * 152 + "^" + "a" * 152)

    assert (count.units, count.segments, count.remaining) == (305, 2, 0)
    assert (over.units, over.segments, over.remaining) == (306, 3, 152)


def test_a_surrogate_pair_is_not_split() -> None:
    """A character of two code units that would begin in the last one of a segment goes to the next."""
    count = count_segments("ж" * 66 + PAIR + "ж" * 65)
    over = count_segments("ж" * 66 + PAIR + "ж" * 66)

    assert (count.units, count.segments, count.remaining) == (133, 2, 0)
    assert (over.units, over.segments, over.remaining) == (134, 3, 66)


@pytest.mark.parametrize(("character", "units"), [("\uffff", 1), ("\U00010000", 2)])
def test_code_units_of_the_characters_around_the_first_plane(character: str, units: int) -> None:
    """The last character of the Basic Multilingual Plane takes one unit, the next one two."""
    assert count_segments(character).units == units


def test_a_text_that_fits_one_message_needs_no_splitting() -> None:
    """160 septets that end with an escape sequence are one segment."""
    assert count_segments("a" * 158 + "€").segments == 1


@pytest.mark.parametrize(
    ("text", "language", "characters"),
    [
        ("plain €", None, ()),
        ("ж1ш2ж" + PAIR, None, ("ж", "ш", PAIR)),
        ("ç Ç ê è", None, ("ç", "ê")),
        ("ç ê è", "PT", ("è",)),
        ("a\x1b", None, ("\x1b",)),
    ],
)
def test_characters_that_force_unicode_are_named(
    text: str, language: str | None, characters: tuple[str, ...]
) -> None:
    """Each character that the alphabet lacks is named once, in order; the escape is no character."""
    count = count_segments(text, language)

    assert characters == count.unicode_characters
    assert ("UCS-2" if characters else "GSM-7") == count.encoding


@pytest.mark.parametrize(
    ("shifts", "used", "units", "remaining"),
    [
        ({}, (True, False), 98, 57),
        ({"locking_shift": True}, (True, False), 98, 57),
        ({"single_shift": True}, (False, True), 104, 51),
        ({"single_shift": True, "locking_shift": False}, (False, True), 104, 51),
        ({"single_shift": True, "locking_shift": True}, (True, True), 98, 54),
    ],
)
def test_turkish_shifts(
    shifts: dict[str, bool], used: tuple[bool, bool], units: int, remaining: int
) -> None:
    """TR alone is the locking shift; a single shift costs a septet for each of 6 letters."""
    count = count_segments(TURKISH, "TR", **shifts)

    assert (LanguageCode.TR, *used) == (count.language, count.locking_shift, count.single_shift)
    assert (units, remaining) == (count.units, count.remaining)


@pytest.mark.parametrize(
    ("language", "used"), [("TR", (True, False)), ("PT", (True, False)), ("ES", (False, True))]
)
def test_a_language_alone_means_its_locking_shift_if_it_has_one(
    language: str, used: tuple[bool, bool]
) -> None:
    """TR and PT mean their locking shift tables, ES the single shift table, the only one it has."""
    count = count_segments("a", language)

    assert used == (count.locking_shift, count.single_shift)


@pytest.mark.parametrize("shifts", [{"locking_shift": False}, {"single_shift": False}])
def test_a_language_without_any_shift_changes_nothing(shifts: dict[str, bool]) -> None:
    """With its shifts off a language has no tables, and a text with its letters is Unicode."""
    assert count_segments(TURKISH) == count_segments(TURKISH, "TR", **shifts)


def test_a_language_that_lacks_a_character_is_left_aside() -> None:
    """Danish letters that Turkish has no room for go out in the default alphabet."""
    assert count_segments("æø") == count_segments("æø", "TR")
    assert count_segments("æø", "TR").language is None


def test_unicode_text_has_no_language() -> None:
    """In UCS-2 no language is used, and no header of it is paid for."""
    count = count_segments("ж" * 70, "TR", locking_shift=True, single_shift=True)

    assert (count.segments, count.remaining, count.encoding) == (1, 0, "UCS-2")
    assert (count.language, count.locking_shift, count.single_shift) == (None, False, False)


@pytest.mark.parametrize("language", ["FR", "tr", "", "secret", 1, ["TR"]])
def test_send_011_an_unknown_language_is_rejected(language: Any) -> None:
    """A language that the contract does not name is rejected."""
    assert find_violations(count_segments, "secret", language) == [("language", "SEND-011")]


@pytest.mark.parametrize(
    ("language", "shifts"),
    [
        ("ES", {"locking_shift": True}),
        (None, {"single_shift": True}),
        (None, {"locking_shift": True}),
    ],
)
def test_send_011_a_shift_without_a_table_is_rejected(
    language: str | None, shifts: dict[str, Any]
) -> None:
    """Spanish has no locking shift, and no language has none at all."""
    assert find_violations(count_segments, "secret", language, **shifts) == [
        ("language", "SEND-011")
    ]


@pytest.mark.parametrize("half", [0xD83D, 0xDE00])
def test_text_001_a_lone_surrogate_is_rejected(half: int) -> None:
    """A string that is no Unicode text is neither counted nor rewritten."""
    assert find_violations(count_segments, "secret" + chr(half)) == [("text", "TEXT-001")]
    assert find_violations(transliterate, "secret" + chr(half), "GREEK") == [("text", "TEXT-001")]


@pytest.mark.parametrize("text", [None, b"secret", 1])
def test_send_009_a_text_is_a_string(text: Any) -> None:
    """What is not a string is rejected."""
    assert find_violations(count_segments, text) == [("text", "SEND-009")]
    assert find_violations(transliterate, text, "GREEK") == [("text", "SEND-009")]


# ------------------------------------------------------------------ transliteration


def test_greek_is_rewritten_as_the_vendor_shows() -> None:
    """The vendor's Greek text becomes its transliteration, letter by letter, and is no estimate."""
    result = transliterate(GREEK, "GREEK")

    assert result.text == GREEK_SENT
    assert not result.estimate
    assert len(GREEK) == len(GREEK_SENT) == 155


def test_every_attested_letter_is_in_the_table() -> None:
    """The table of Greek holds what the preview shows and nothing else."""
    shown = dict(zip(GREEK, GREEK_SENT, strict=True))

    assert {
        k: v for k, v in shown.items() if "GREEK" in unicodedata.name(k)
    } == transliteration.GREEK


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("ζέστη", "ZEΣTH"),
        ("χώρα", "XΩPA"),
        ("ΐΰϊϋ", "IYIY"),
        ("Ξξ", "ΞΞ"),
        ("ΒΗΝΡΥ", "BHNPY"),
        ("ᾳ;", "A;"),
    ],
)
def test_greek_letters_that_no_preview_shows_follow_the_same_rule(text: str, sent: str) -> None:
    """Unattested letters become capitals by the same rule, and make the result an estimate."""
    result = transliterate(text, Transliteration.GREEK)

    assert (sent, True) == (result.text, result.estimate)


def test_accents_that_stand_apart_are_part_of_their_letter() -> None:
    """A letter with a combining accent is rewritten as the letter that has it built in."""
    assert transliterate("ά", "GREEK") == transliterate(unicodedata.normalize("NFD", "ά"), "GREEK")
    assert transliterate(unicodedata.normalize("NFD", "ü"), "TURKISH").text == "ü"
    assert transliterate(unicodedata.normalize("NFD", "č"), "CENTRAL_EUROPEAN").text == "c"


@pytest.mark.parametrize(
    ("transliteration", "text", "sent"),
    [
        ("TURKISH", "ğışŞİĞç öüÖÜÇ âîû", "gisSIGc öüÖÜÇ aiu"),
        ("CYRILLIC", "Привет, Љуба", "Privet, Ljuba"),
        ("CENTRAL_EUROPEAN", "Žluťoučký kůň, łódź, ő", "Zlutoucky kun, lodz, o"),
        ("NON_UNICODE", "Žluť ж, é €" + PAIR, "lu , é €"),
    ],
)
def test_other_scripts_are_estimates(transliteration: str, text: str, sent: str) -> None:
    """What no document shows is rewritten all the same, and says that it is an estimate."""
    result = transliterate(text, transliteration)

    assert (sent, True) == (result.text, result.estimate)
    assert count_segments(result.text).encoding == "GSM-7"


@pytest.mark.parametrize("transliteration", Transliteration)
@given(text=st.text(st.sampled_from(BASIC + EXTENSION)))
def test_text_that_gsm_has_is_kept(transliteration: Transliteration, text: str) -> None:
    """No transliteration touches a text that goes out in GSM-7 as it is."""
    result = transliterate(text, transliteration)

    assert (text, False) == (result.text, result.estimate)


@pytest.mark.parametrize(
    ("transliteration", "foreign"),
    [("GREEK", "жş–"), ("CYRILLIC", "αş–"), ("TURKISH", "αжč–"), ("CENTRAL_EUROPEAN", "αжµ–")],
)
def test_characters_of_other_scripts_are_kept(transliteration: str, foreign: str) -> None:
    """A transliteration leaves alone what does not belong to its script."""
    result = transliterate(foreign, transliteration)

    assert (foreign, False) == (result.text, result.estimate)


@pytest.mark.parametrize("transliteration", ["GREEK", "CYRILLIC"])
def test_nothing_of_a_script_needs_unicode_afterwards(transliteration: str) -> None:
    """Each character of the script that Unicode knows is rewritten to what GSM-7 has."""
    names = ((chr(p), unicodedata.name(chr(p), "")) for p in range(0x110000))
    script = [c for c, name in names if name.startswith(f"{transliteration} ")]
    left = [c for c in script if count_segments(transliterate(c, transliteration).text).units == 0]

    assert len(script) > 250
    assert left == []
    assert count_segments(transliterate("".join(script), transliteration).text).encoding == "GSM-7"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_non_unicode_only_removes(text: str) -> None:
    """NON_UNICODE leaves the characters that GSM-7 has, in their order, and no other."""
    kept = "".join(c for c in text if c in BASIC + EXTENSION)
    result = transliterate(text, "NON_UNICODE")

    assert (kept, kept != text) == (result.text, result.estimate)


@pytest.mark.parametrize("transliteration", ["LATIN", "greek", "secret", "", None, 1])
def test_send_012_an_unknown_transliteration_is_rejected(transliteration: Any) -> None:
    """A transliteration that the contract does not name is rejected."""
    expected = [("transliteration", "SEND-012")]

    assert expected == find_violations(transliterate, "secret", transliteration)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anyascii the attested letters still work, and the others say what to install."""
    monkeypatch.setitem(sys.modules, "anyascii", None)

    assert transliterate(GREEK, "GREEK").text == GREEK_SENT
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'infobip-sms\[text\]'") as caught:
        transliterate("secret Ж", "CYRILLIC")
    assert "secret" not in str(caught.value)
    assert caught.value.name == "anyascii"
