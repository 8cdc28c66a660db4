"""What a server quotes of a request is removed before an error shows it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infobip_sms_schema import operations

from infobip_sms import ApiError, ApiKey, Basic, Destination, Message, SmsRequest
from infobip_sms.exchange import build_request, parse_response
from infobip_sms.masking import MAX_LENGTH, list_sent, mask_sent
from infobip_sms.text.escapes import escape
from infobip_sms.transport.messages import Response
from tests.client.calls import AUTH, PHONE, TEXT, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms import Auth
    from infobip_sms.codecs import Wire

LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
TEXTS = st.text(LETTERS, min_size=4, max_size=40).filter(lambda text: len(text.strip()) > 3)
FRAMES = st.sampled_from(["{}", "Invalid: {}!", "x{}y", "a {} b {} c", "\x1b[31m{}\n", "{}" * 9])


def reject(
    text: str, code: str = "BAD_REQUEST", *, request: SmsRequest, auth: Auth, wire: Wire
) -> ApiError:
    """Return the error of a rejection in a server's words."""
    sent = build_request(operations.SEND, wire, auth, request)
    words = {"requestError": {"serviceException": {"messageId": code, "text": text}}}
    response = Response(400, {"content-type": "application/json"}, json.dumps(words).encode())
    with pytest.raises(ApiError) as caught:
        parse_response(operations.SEND, sent, response, wire)
    return caught.value


def is_shown(error: ApiError, value: str) -> bool:
    """Tell whether a value is in anything that an error shows of the server's words."""
    assert error.call is not None
    return value in error.call.text or value in error.call.code


@given(TEXTS, TEXTS, FRAMES, st.sampled_from(["json", "xml"]))
def test_nothing_that_was_sent_is_shown(text: str, bulk_id: str, frame: str, wire: Wire) -> None:
    """Whatever was sent, and whatever is around it, no text, id, number or key is left."""
    message = Message(destinations=[Destination(PHONE, message_id="my-id-1")], text=text)
    request = SmsRequest(bulk_id=bulk_id, messages=[message])
    for value in (text, bulk_id, PHONE, "my-id-1", AUTH.key):
        error = reject(frame.replace("{}", value), value, request=request, auth=AUTH, wire=wire)
        assert not is_shown(error, value.strip())
        assert escape(str(error)) == str(error)


@given(st.lists(st.integers(0, 9), min_size=7, max_size=20), st.sampled_from(["", " ", "-", ") "]))
def test_long_numbers_are_masked_though_they_were_not_sent(digits: list[int], between: str) -> None:
    """Seven digits and more could be somebody's number, however they are grouped."""
    shown = mask_sent(f"not allowed: +{between.join(map(str, digits))}, sorry", [])

    assert shown == "not allowed: ***, sorry"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (str.upper, TEXT),
        (lambda text: text[:14], TEXT),
        (lambda text: text.replace("&", "&amp;"), "Salt & pepper"),
        (lambda text: text.replace(" ", "%20"), TEXT),
    ],
    ids=["upper case", "cut", "HTML entities", "percent encoding"],
)
def test_a_quotation_in_another_form_is_removed(change: Callable[[str], str], text: str) -> None:
    """Servers cut, escape and change what they quote."""
    shown = mask_sent(f"Rejected: '{change(text)}'", [text])

    assert shown == "Rejected: '***'"


def test_short_values_are_removed_as_words_only() -> None:
    """A text of one letter takes no letter out of the server's words."""
    assert (
        mask_sent("a text is not valid: Hi, this", ["a", "Hi"])
        == "*** text is not valid: ***, this"
    )


def test_the_credentials_of_basic_are_removed_in_each_form() -> None:
    """User, password and their base64."""
    request = build_request(operations.SEND, "json", Basic("user-1", "hunter2"), ask())
    encoded = base64.b64encode(b"user-1:hunter2").decode()

    assert mask_sent(f"user-1 / hunter2 / {encoded}", list_sent(request)) == "*** / *** / ***"


def test_what_was_not_sent_stays_and_is_bounded() -> None:
    """The server's own words are shown, up to a length; the route is not taken for a value."""
    request = build_request(operations.SEND, "json", ApiKey("key"), ask())

    assert mask_sent("advanced text: no route", list_sent(request)) == "advanced text: no route"
    assert len(mask_sent("ab " * 10**6, list_sent(request))) == MAX_LENGTH
    assert mask_sent("one\x1b[31m\u202etwo\n", []) == "one\\u001b[31m\\u202etwo\\n"
