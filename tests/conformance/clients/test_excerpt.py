"""The place that a verdict is about is marked in what is shown, in either format."""

import pytest
from infobip_sms_conformance.observations.verdicts import CheckFailed, Mismatch, show
from infobip_sms_conformance.reporting.excerpt import find_place, indent, mark_place
from infobip_sms_conformance.sanitization.redaction import Mask

JSON = '{"a":[{"b":1},{"b":"x"}],"c":{}}'
XML = "<r><a><e><b>1</b></e><e><b>x</b></e></a></r>"
BARE = "<r><a><b>1</b></a><a><b>x</b></a></r>"


@pytest.mark.parametrize(
    ("body", "path", "marked"),
    [
        (JSON, "a[1].b", '{"a":[{"b":1},{ >>> "b":"x" <<< }],"c":{}}'),
        (JSON, "a[1].gone", '{"a":[{"b":1}, >>> {"b":"x"} <<< ],"c":{}}'),
        (JSON, "", JSON),
        ("{", "a", "{"),
        (XML, "a[1].b", "<r><a><e><b>1</b></e><e> >>> <b>x</b> <<< </e></a></r>"),
        (BARE, "a[1].b", "<r><a><b>1</b></a><a> >>> <b>x</b> <<< </a></r>"),
        ("<r>", "a", "<r>"),
    ],
)
def test_place_is_marked(body: str, path: str, marked: str) -> None:
    """The value at a path is marked, or the last place on the way that there is; else nothing."""
    assert mark_place(body, path, 1000) == marked


def test_long_body_is_cut_around_the_place() -> None:
    """Of a long body the part around the mark is shown."""
    body = f'{{"a":[{",".join(["0"] * 5000)}],"b":1,"c":[{",".join(["0"] * 5000)}]}}'
    shown = mark_place(body, "b", 600)

    assert ' >>> "b":1 <<< ' in shown
    assert len(shown) < 2000


def test_json_is_indented_without_a_change() -> None:
    """Each value has a line of its own; no sign but white space is added, and numbers stay as they are."""
    body = '{"a":[1.50,{"b":"x, {y}"},[],{}],"a":null}'
    shown = indent(body)

    assert shown.splitlines()[:4] == ["{", '  "a": [', "    1.50,", "    {"]
    assert "".join(shown.split()) == "".join(body.split())
    assert indent("<a/>") == "<a/>"


def test_mismatch_names_the_place_and_both_values() -> None:
    """Expected and got begin with the path; values are hidden like those of a body."""
    failure = CheckFailed(Mismatch("messages[0].to", show("41793026727"), show(None)))
    mask = Mask(("41793026727",))

    assert mask.hide_words(failure.expected) == 'messages[0].to: "$TO"'
    assert failure.got == "messages[0].to: nothing"
    assert find_place(failure.got) == "messages[0].to"
    assert find_place("HTTP 400, a body: none") == ""
