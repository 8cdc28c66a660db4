"""Speaks for infobip-api-python-sdk 5: dictionaries in, models of pydantic 1 out; one channel for SMS.

OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
{"result": {...}} or {"raised": "KindOfException", "text": "..."} on standard output
INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # it imports what setuptools is about to drop

from infobip_channels.sms.channel import (  # type: ignore[import-not-found] # only where the peer is  # noqa: E402
    SMSChannel,
)


def read_body(body: Any) -> Any:
    """Return a body as the client types it: instants as such, and the language without its object."""
    if not isinstance(body, dict):
        return body
    given = {**body, **read_instants(body)}
    for message in given.get("messages", ()):
        message.update(read_instants(message))
        if "language" in message:
            message["language"] = message["language"]["languageCode"]
    return given


def read_instants(members: dict[str, Any]) -> dict[str, Any]:
    """Return the instants among some members."""
    names = {"sendAt", "sentSince", "sentUntil"} & members.keys()
    return {name: dt.datetime.fromisoformat(members[name]) for name in names}


def call(channel: Any, operation: str, asked: dict[str, Any]) -> Any:
    """Carry out one operation."""
    query, body = asked.get("query", {}), read_body(asked.get("body"))
    query = {**query, **read_instants(query)}
    match operation:
        case "send":
            return channel.send_sms_message(body)
        case "reports":
            return channel.get_outbound_sms_delivery_reports(query)
        case "logs":
            return channel.get_outbound_sms_message_logs(query)
        case "preview":
            return channel.preview_sms_message(body)
        case "get_scheduled":
            return channel.get_scheduled_sms_messages(query)
        case "reschedule":
            return channel.reschedule_sms_messages(query, body)
        case "get_scheduled_status":
            return channel.get_scheduled_sms_messages_status(query)
        case "set_scheduled_status":
            return channel.update_scheduled_sms_messages_status(query, body)
    raise NotImplementedError(operation)


def main() -> None:
    """Carry out what is asked, and tell what came of it."""
    channel = SMSChannel.from_auth_params(
        {"base_url": os.environ["INFOBIP_BASE_URL"], "api_key": os.environ["INFOBIP_API_KEY"]}
    )
    asked = json.load(sys.stdin)
    try:
        answer = call(channel, sys.argv[1], asked)
        if hasattr(answer, "raw_response"):
            plain = answer.dict(by_alias=True, exclude_unset=True, exclude={"raw_response"})
            told: dict[str, Any] = {"result": plain}
        else:  # it gives back what it cannot read
            told = {"result": {"unread": answer.status_code}}
    except Exception as problem:  # noqa: BLE001 - whatever the client raises is what is told
        told = {"raised": type(problem).__name__, "text": str(problem)}
    json.dump(told, sys.stdout, default=str)


if __name__ == "__main__":
    main()
