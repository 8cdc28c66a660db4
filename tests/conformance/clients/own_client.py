"""Our client as a program that a suite can run: one call of one operation.

INFOBIP_BASE_URL=… INFOBIP_API_KEY=… python own_client.py OPERATION json|xml
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, cast

from infobip_sms import (
    ApiKey,
    BulkStatus,
    Client,
    Destination,
    Error,
    GeneralStatus,
    LanguageCode,
    LanguageV1,
    MessageV1,
    SmsRequest,
    SmsRequestV1,
    Transliteration,
)
from infobip_sms.codecs.wire_json import parse_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.codecs import Wire

EXAMPLES = Path(__file__).resolve().parents[3] / "schema" / "examples"
SOON = dt.datetime(2035, 7, 7, 17, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def build_request() -> SmsRequest:
    """Return the request with every field, with names of its own."""
    plain = json.loads((EXAMPLES / "every-member-request.json").read_text("utf-8"))
    plain["bulkId"] = str(uuid.uuid4())
    for destination in plain["messages"][0]["destinations"]:
        destination["messageId"] = str(uuid.uuid4())
    return parse_request(json.dumps(plain).encode(), SmsRequest)


def build_old() -> SmsRequestV1:
    """Return a request of version 1."""
    language = LanguageV1(language_code=LanguageCode.TR, single_shift=True)
    to = [Destination(to="41793026727", message_id=str(uuid.uuid4()))]
    return SmsRequestV1(messages=[MessageV1(destinations=to, text="Merhaba", language=language)])


CALLS: dict[str, Callable[[Client], object]] = {
    "send": lambda client: client.send(build_request()),
    "send_v1": lambda client: client.send_v1(build_old()),
    "reports": lambda client: client.fetch_delivery_reports(bulk_id="b", message_id="m", limit=10),
    "logs": lambda client: client.get_logs(
        from_="InfoSMS",
        to="41793026727",
        bulk_id=["a b", "c+d"],
        message_id=["e", "f"],
        general_status=GeneralStatus.DELIVERED,
        sent_since=SOON - dt.timedelta(days=1),
        sent_until=SOON,
        limit=10,
        mcc="228",
        mnc="01",
    ),
    "preview": lambda client: client.preview(
        "Grüße", language_code=LanguageCode.TR, transliteration=Transliteration.TURKISH
    ),
    "get_scheduled": lambda client: client.get_scheduled("bulk"),
    "reschedule": lambda client: client.reschedule("bulk", SOON),
    "get_scheduled_status": lambda client: client.get_scheduled_status("bulk"),
    "set_scheduled_status": lambda client: client.set_scheduled_status("bulk", BulkStatus.PAUSED),
    "record_conversion": lambda client: client.record_conversion("a message"),
}


def main(operation: str, wire: str) -> int:
    """Make the call; every error of ours is told."""
    key = ApiKey(os.environ["INFOBIP_API_KEY"])
    with Client(os.environ["INFOBIP_BASE_URL"], auth=key, wire=cast("Wire", wire)) as client:
        for name in CALLS if operation == "all" else [operation]:
            try:
                CALLS[name](client)
            except Error as error:
                print(f"{name}: {type(error).__name__}")
                if operation != "all":
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
