"""What hiding personal values in a body costs: it grows with the body, whatever the body is."""

import time

import pytest
from infobip_sms_conformance.sanitization.bodies import hide_body
from infobip_sms_conformance.sanitization.redaction import Mask

SIZE = 120_000
BODIES = {
    "a long name": "<a " + "b" * SIZE,
    "a long name that ends": "</a" + "b." * (SIZE // 2) + ">",
    "white space": "<a b" + " " * SIZE + ">",
    "names and white space": "<a " + "b " * (SIZE // 2) + ">",
    "attributes without an end": "<a " + "b='" * (SIZE // 3) + ">",
    "comments without an end": "<a>" + "<!-- >" * (SIZE // 6),
    "CDATA without an end": "<a>" + "<![CDATA[>" * (SIZE // 10),
    "both, and an end of one": "<a>" + "<!-- ><![CDATA[>" * (SIZE // 16) + "-->",
    "quotes": '{"a":' + '"\\' * (SIZE // 2),
    "backslashes": '{"a":"' + "\\" * SIZE,
    "brackets": "[" * SIZE,
    "digits": "1" * SIZE,
    "entities": "<a>" + "&" * SIZE,
}


@pytest.mark.parametrize("name", BODIES)
def test_hiding_takes_time_that_grows_with_the_body(name: str) -> None:
    """Two seconds are a hundred times what it takes; what is quadratic takes minutes."""
    started = time.process_time()
    hide_body(BODIES[name], Mask(()))

    assert time.process_time() - started < 2
