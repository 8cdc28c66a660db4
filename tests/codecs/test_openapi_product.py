"""openapi.yaml as others use it: generated clients, documentation pages, validators."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from infobip_sms_schema import DeliveryReports, SmsRequest

from infobip_sms.codecs import wire_json
from infobip_sms.sandbox.lifecycle.representations import build_report
from tests.sandbox.lifecycle.virtual_sandbox import Bench

ROOT = Path(__file__).parents[2]
CONTRACT = yaml.safe_load((ROOT / "schema" / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = CONTRACT["components"]["schemas"]
METHODS = ("get", "put", "post", "delete")


def list_operations(paths: dict[str, Any]) -> list[Any]:
    """Return every operation, callbacks included."""
    found = [item[method] for item in paths.values() for method in METHODS if method in item]
    inner = [callback for one in found for callback in one.get("callbacks", {}).values()]
    return [*found, *(one for callback in inner for one in list_operations(callback))]


OPERATIONS = list_operations(CONTRACT["paths"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one["operationId"])
def test_each_operation_has_a_described_tag_and_a_response_for_faulty_requests(
    operation: Any,
) -> None:
    """Documentation pages sort by tags; a callback says what a server does with a body that it cannot read."""
    assert set(operation["tags"]) <= {tag["name"] for tag in CONTRACT["tags"]}
    assert any(status.startswith("4") for status in operation["responses"])


def test_the_title_makes_a_short_package_name() -> None:
    """Generators name their packages after it."""
    assert len(CONTRACT["info"]["title"]) <= 20


@pytest.mark.parametrize("name", ["DeliveryReport", "SmsLog"])
def test_dlr_003_an_instant_without_a_colon_is_no_date_time(name: str) -> None:
    """A report of the sandbox matches the pattern; date-time of RFC 3339, which it violates, is not claimed."""
    virtual = Bench()
    virtual.send("9990010000005", text="Hi")
    virtual.wait(seconds=1)
    report = build_report(virtual.state.messages[1], None, virtual.settings)
    (written,) = json.loads(wire_json.dump_model(DeliveryReports(results=[report])))["results"]

    for field in ("sentAt", "doneAt"):
        schema = SCHEMAS[name]["properties"][field]
        assert "format" not in schema
        assert re.search(schema["pattern"], written[field])
        assert re.search(schema["pattern"], schema["examples"][0])


@pytest.mark.parametrize("offset", ["+14:13", "-14:01", "+23:59"])
def test_an_offset_that_the_schema_allows_is_the_same_instant_in_utc(offset: str) -> None:
    """RFC 3339 allows offsets up to 23:59, though none above 14:00 is in use."""
    text = f"2030-01-01T00:00:00{offset}"
    message = {"destinations": [{"to": "41"}], "sendAt": text}
    parsed = wire_json.parse_request(json.dumps({"messages": [message]}).encode(), SmsRequest)
    instant = parsed.messages[0].send_at

    assert instant is not None
    assert instant.isoformat()[-6:] == "+00:00"
    assert instant == instant.fromisoformat(text)
