"""Speaks for infobip-api-python-client 3: models with types that are checked, two APIs for SMS.

OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
{"result": {...}} or {"raised": "KindOfException", "text": "..."} on standard output
INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import sys
from typing import Any

from infobip_api_client.api.scheduled_sms_api import (  # type: ignore[import-not-found] # only where the peer is
    ScheduledSmsApi,
)
from infobip_api_client.api.send_sms_api import (  # type: ignore[import-not-found] # likewise
    SendSmsApi,
)
from infobip_api_client.api_client import (  # type: ignore[import-not-found] # likewise
    ApiClient,
    Configuration,
)
from infobip_api_client.model_utils import (  # type: ignore[import-not-found] # likewise
    model_to_dict,
)

NAMES = {
    "from": "_from",
    "bulkId": "bulk_id",
    "messageId": "message_id",
    "generalStatus": "general_status",
    "sentSince": "sent_since",
    "sentUntil": "sent_until",
}
_MODELS = "infobip_api_client.model."


def read_query(query: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as the client names and types them."""
    given = {NAMES.get(name, name): value for name, value in query.items()}
    instants = {"sent_since", "sent_until"} & given.keys()
    return {**given, **{name: dt.datetime.fromisoformat(given[name]) for name in instants}}


def build(kind: Any, plain: Any) -> Any:
    """Build a model from plain data through its constructor, as a user would."""
    if isinstance(kind, list):
        return [build(kind[0], item) for item in plain]
    if kind is dt.datetime:
        return dt.datetime.fromisoformat(plain)
    if not hasattr(kind, "attribute_map"):
        return plain
    if "value" in kind.openapi_types:
        return kind(plain)
    names = {wire: name for name, wire in kind.attribute_map.items()}
    given = {names[wire]: value for wire, value in plain.items()}
    types = kind.openapi_types
    return kind(**{name: build(types[name][0], value) for name, value in given.items()})


def build_body(module: str, name: str, plain: Any) -> Any:
    """Build the model of a body."""
    return build(getattr(importlib.import_module(_MODELS + module), name), plain)


def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
    """Carry out one operation."""
    sending, scheduled = SendSmsApi(client), ScheduledSmsApi(client)
    query, body = read_query(asked.get("query", {})), asked.get("body")
    match operation:
        case "send":
            model = build_body("sms_advanced_textual_request", "SmsAdvancedTextualRequest", body)
            return sending.send_sms_message(sms_advanced_textual_request=model)
        case "reports":
            return sending.get_outbound_sms_message_delivery_reports(**query)
        case "logs":
            return sending.get_outbound_sms_message_logs(**query)
        case "preview":
            model = build_body("sms_preview_request", "SmsPreviewRequest", body)
            return sending.preview_sms_message(sms_preview_request=model)
        case "get_scheduled":
            return scheduled.get_scheduled_sms_messages(**query)
        case "reschedule":
            model = build_body("sms_bulk_request", "SmsBulkRequest", body)
            return scheduled.reschedule_sms_messages(**query, sms_bulk_request=model)
        case "get_scheduled_status":
            return scheduled.get_scheduled_sms_messages_status(**query)
        case "set_scheduled_status":
            model = build_body("sms_update_status_request", "SmsUpdateStatusRequest", body)
            return scheduled.update_scheduled_sms_messages_status(
                **query, sms_update_status_request=model
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
        with ApiClient(configuration) as client:
            told = {"result": model_to_dict(call(client, sys.argv[1], asked))}
    except Exception as problem:  # noqa: BLE001 - whatever the client raises is what is told
        told = {"raised": type(problem).__name__, "text": str(problem)}
    json.dump(told, sys.stdout, default=lambda instant: instant.isoformat())


if __name__ == "__main__":
    main()
