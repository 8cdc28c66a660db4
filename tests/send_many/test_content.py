"""What the journal has a digest of."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from infobip_sms import Destination, Language, Message, Tracking
from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.send_many.content import ContentEncoder

TEXTS = st.none() | st.text(max_size=20)
TRACKINGS = (None, Tracking(type='a "campaign" \\'))
TO = (Destination(to="41793026727"),)
MESSAGES = st.builds(
    Message,
    destinations=st.just(TO),
    from_=st.sampled_from([None, "InfoSMS", 'I"\\']),
    text=TEXTS.filter(lambda text: text != ""),
    flash=st.sampled_from([None, True, False]),
    language=st.sampled_from([None, Language(language_code="TR")]),
    callback_data=st.sampled_from([None, "é\x7f"]),
    validity_period=st.sampled_from([None, 1, 720]),
)


def build_content(message: Message, tracking: Tracking | None) -> str:
    """Return what digests were made of from the first version on, in the plainest way."""
    fields = {f.name: getattr(message, f.name) for f in attrs.fields(Message)}
    given = {k: v for k, v in fields.items() if k != "destinations" and v is not None}

    def build(value: Any) -> object:
        return build_plain(value) if attrs.has(type(value)) else str(value)

    return json.dumps(json.dumps([given, tracking], default=build))


@settings(max_examples=40)
@given(st.lists(MESSAGES, max_size=5), st.sampled_from(TRACKINGS))
def test_content_is_the_same_whatever_came_before(
    messages: list[Message], tracking: Tracking | None
) -> None:
    """And the same as in earlier versions, whose journals go on."""
    encoder = ContentEncoder(tracking)

    assert [encoder.encode(message) for message in messages] == [
        build_content(message, tracking) for message in messages
    ]
