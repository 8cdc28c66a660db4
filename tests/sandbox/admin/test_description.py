"""openapi.yaml of the admin API: complete, true, and shown on a page; and pages of other origins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from infobip_sms.sandbox import running
from infobip_sms.sandbox.admin.api import DEFAULT_LIMIT, ROUTES
from infobip_sms.sandbox.admin.description import AdminOperation, get_operations, read_description
from tests.sandbox.admin.calls import TO, ask, call, send

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = json.loads(read_description())
ORIGIN = "http://localhost:3000"


@pytest.fixture(name="url", scope="module")
def fixture_url() -> Iterator[str]:
    """Give a sandbox that a page of another origin may use."""
    with running(delay=0, cors=(ORIGIN,)) as sandbox:
        yield sandbox.url


def test_each_route_is_in_the_document_and_the_other_way_round() -> None:
    """Paths and methods."""
    described = {
        (path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item
    }

    assert described == {(f"/{path}", method) for path, found in ROUTES.items() for method in found}


def test_the_document_is_served_and_a_page_shows_each_operation(url: str) -> None:
    """As YAML, which JSON is; the page is linked from the others."""
    served = call(url, "GET", "/sandbox/openapi.yaml")
    page = call(url, "GET", "/sandbox/api").body.decode()

    assert served.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(served.body) == DOCUMENT
    assert all(f"{o.method} {o.path}</code>" in page for o in get_operations())
    assert 'href="/sandbox/api"' in call(url, "GET", "/sandbox/").body.decode()


@pytest.mark.parametrize("operation", get_operations(), ids=lambda o: f"{o.method}-{o.path}")
def test_each_example_is_accepted_and_each_response_is_as_described(
    url: str, operation: AdminOperation
) -> None:
    """Bodies from the document, answers by its schemas."""
    send(url, TO, notifyUrl="http://127.0.0.1:9/closed")
    bodies: list[bytes | None] = [example.encode() for example in operation.examples] or [None]
    path = operation.path.removeprefix("/sandbox")
    described = DOCUMENT["paths"][path][operation.method.lower()]["responses"]
    try:
        for body in bodies:
            answer = call(url, operation.method, operation.path, body)
            schema = described[str(answer.status)]["content"]["application/json"]["schema"]
            jsonschema.validate(answer.plain, {**schema, "components": DOCUMENT["components"]})
            assert answer.status == 200
    finally:
        ask(url, "DELETE", "faults")


def test_a_list_says_its_limit(url: str) -> None:
    """The default one as well."""
    assert ask(url, "GET", "messages").plain["limit"] == DEFAULT_LIMIT
    assert ask(url, "GET", "reports?limit=7").plain["limit"] == 7


@pytest.mark.parametrize("path", ["/sandbox/clock", "/sms/1/logs"])
def test_a_page_of_a_chosen_origin_may_use_it(url: str, path: str) -> None:
    """The browser asks first, and hands the page the response."""
    asked = call(
        url, "OPTIONS", path, None, {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    )
    answer = call(url, "GET", path, None, {"Origin": ORIGIN})

    assert asked.status == 204
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["http://localhost:3001", "https://localhost:3000", "null"])
def test_other_origins_may_not(url: str, origin: str) -> None:
    """Another port or scheme is another origin."""
    answer = call(url, "OPTIONS", "/sandbox/clock", None, {"Origin": origin})

    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
