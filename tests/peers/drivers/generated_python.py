"""Speaks for what openapi-python-client generates from schema/openapi.yaml: models of attrs, a module per operation.

OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as on the wire
{"result": {...}} or {"raised": "KindOfException", "text": "..."} on standard output
INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import re
import sys
from typing import Any

from infobip_sms_client import (  # type: ignore[import-not-found] # only where the peer is
    AuthenticatedClient,
    models,
)

OPERATIONS = {
    "send": ("send.send", models.SmsRequest),
    "reports": ("reports_and_logs.fetch_delivery_reports", None),
    "logs": ("reports_and_logs.get_logs", None),
    "preview": ("preview.preview", models.PreviewRequest),
    "get_scheduled": ("scheduled.get_scheduled", None),
    "reschedule": ("scheduled.reschedule", models.BulkRequest),
    "get_scheduled_status": ("scheduled.get_scheduled_status", None),
    "set_scheduled_status": ("scheduled.set_scheduled_status", models.BulkStatusRequest),
}


def read_parameter(name: str, value: Any) -> tuple[str, Any]:
    """Return a parameter as the generated function names and types it."""
    if name in {"sentSince", "sentUntil"}:
        value = dt.datetime.fromisoformat(value)
    if name == "generalStatus":
        value = models.GeneralStatus(value)
    snake = re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", name)
    return ("from_" if snake == "from" else snake), value


def main() -> None:
    """Carry out what is asked, and tell what came of it."""
    client = AuthenticatedClient(
        base_url=os.environ["INFOBIP_BASE_URL"],
        token=os.environ["INFOBIP_API_KEY"],
        prefix="App",
        raise_on_unexpected_status=True,
    )
    asked = json.load(sys.stdin)
    module, body_type = OPERATIONS[sys.argv[1]]
    function = importlib.import_module(f"infobip_sms_client.api.{module}").sync
    given = dict(read_parameter(*item) for item in asked.get("query", {}).items())
    try:
        if body_type is not None:
            given["body"] = body_type.from_dict(asked["body"])
        told = {"result": function(client=client, **given).to_dict()}
    except Exception as problem:  # noqa: BLE001 - whatever the client raises is what is told
        told = {"raised": type(problem).__name__, "text": str(problem)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
