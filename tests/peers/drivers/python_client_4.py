"""Speaks for infobip-api-python-client 4: models of pydantic, one API for all of SMS.

OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
{"result": {...}} or {"raised": "KindOfException", "text": "..."} on standard output
INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from typing import Any

from infobip_api_client import models  # type: ignore[import-not-found] # only where the peer is
from infobip_api_client.api.sms_api import SmsApi  # type: ignore[import-not-found] # likewise
from infobip_api_client.api_client import (  # type: ignore[import-not-found] # likewise
    ApiClient,
    Configuration,
)

NAMES = {
    "from": "var_from",
    "bulkId": "bulk_id",
    "messageId": "message_id",
    "generalStatus": "general_status",
    "sentSince": "sent_since",
    "sentUntil": "sent_until",
}


def read_query(query: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as the client names and types them."""
    given = {NAMES.get(name, name): value for name, value in query.items()}
    instants = {"sent_since", "sent_until"} & given.keys()
    return {**given, **{name: dt.datetime.fromisoformat(given[name]) for name in instants}}


def call(api: Any, operation: str, asked: dict[str, Any]) -> Any:
    """Carry out one operation."""
    query, body = read_query(asked.get("query", {})), asked.get("body")
    match operation:
        case "send":
            request = models.SmsAdvancedTextualRequest.from_dict(body)
            return api.send_sms_message(sms_advanced_textual_request=request)
        case "reports":
            return api.get_outbound_sms_message_delivery_reports(**query)
        case "logs":
            return api.get_outbound_sms_message_logs(**query)
        case "preview":
            request = models.SmsPreviewRequest.from_dict(body)
            return api.preview_sms_message(sms_preview_request=request)
        case "get_scheduled":
            return api.get_scheduled_sms_messages(**query)
        case "reschedule":
            request = models.SmsBulkRequest.from_dict(body)
            return api.reschedule_sms_messages(**query, sms_bulk_request=request)
        case "get_scheduled_status":
            return api.get_scheduled_sms_messages_status(**query)
        case "set_scheduled_status":
            request = models.SmsUpdateStatusRequest.from_dict(body)
            return api.update_scheduled_sms_messages_status(
                **query, sms_update_status_request=request
            )
    raise NotImplementedError(operation)


def main() -> None:
    """Carry out what is asked, and tell what came of it."""
    configuration = Configuration(
        host=os.environ["INFOBIP_BASE_URL"],
        api_key={"APIKeyHeader": os.environ["INFOBIP_API_KEY"]},
        api_key_prefix={"APIKeyHeader": "App"},
    )
    asked = json.load(sys.stdin)
    try:
        answer = call(SmsApi(ApiClient(configuration)), sys.argv[1], asked)
        told = {"result": answer.to_dict()}
    except Exception as problem:  # noqa: BLE001 - whatever the client raises is what is told
        told = {"raised": type(problem).__name__, "text": str(problem)}
    json.dump(told, sys.stdout, default=lambda instant: instant.isoformat())


if __name__ == "__main__":
    main()
