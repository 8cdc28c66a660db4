"""Whatever a client says to the sandbox, it gets a documented answer: no failure, no silence, no Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest
from infobip_sms.sandbox.runtime import bodies
from infobip_sms.sandbox.state.state import State
from tests.sandbox.runtime.malformed import (
    API,
    BODIES,
    CONTROL,
    GOOD_HEADERS,
    NOW,
    ODD,
    ODD_HEADERS,
    ODD_QUERIES,
    PAGES,
    SETTINGS,
    Line,
    build_answer,
    build_requests,
    check_answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = [("GET", "/"), ("POST", ""), ("GET", "*"), ("GET", "//sandbox/"), ("GET", "/sms/")]
READINGS = [{}, {"READ-001": "200"}, {"READ-017": "415", "READ-018": "404", "READ-008": "rejected"}]
TAKING = [(method, path) for method, path in API if method in {"POST", "PUT"}]
many = settings(max_examples=120, phases=[Phase.generate, Phase.shrink])


@pytest.fixture(name="line", scope="module")
def fixture_line() -> Iterator[Line]:
    """Give a way to sandboxes without a socket."""
    line = Line()
    yield line
    line.close()


@many
@given(build_requests(API + NOWHERE), st.sampled_from(READINGS))
def test_the_rules_answer_anything(request: HttpRequest, readings: dict[str, str]) -> None:
    """Every request to the API or to no route at all has an answer of a documented form."""
    app = App(attrs.evolve(SETTINGS, readings=readings))
    check_answer(request, build_answer(app.handle(request, State(), NOW)))


@many
@given(st.sampled_from(TAKING), st.sampled_from(["json", "xml"]), BODIES, st.sampled_from(READINGS))
def test_err_001_the_rules_take_any_body(
    route: tuple[str, str], kind: str, body: bytes, readings: dict[str, str]
) -> None:
    """No body makes an operation fail, whatever it is called."""
    headers = {**GOOD_HEADERS, "content-type": f"application/{kind}"}
    request = HttpRequest(*route, headers, body, "bulkId=mine")
    app = App(attrs.evolve(SETTINGS, readings=readings))
    check_answer(request, build_answer(app.handle(request, State(), NOW)))


@pytest.mark.parametrize("kind", ["json", "xml"])
@pytest.mark.parametrize("body", ODD, ids=lambda body: ascii(body[:30]))
@pytest.mark.parametrize("route", TAKING, ids=" ".join)
def test_err_001_bodies_that_parsers_stumble_over_are_refused(
    route: tuple[str, str], body: bytes, kind: str
) -> None:
    """Depth, numbers without end, entities, half characters and strange encodings are answered."""
    headers = {**GOOD_HEADERS, "content-type": f"application/{kind}"}
    request = HttpRequest(*route, headers, body, "bulkId=mine")
    answer = build_answer(App(SETTINGS).handle(request, State(), NOW))

    check_answer(request, answer)
    assert b"root:" not in answer.body


@pytest.mark.parametrize("route", [*API, *CONTROL, *PAGES], ids=" ".join)
def test_queries_and_headers_that_readers_stumble_over_are_answered(
    line: Line, route: tuple[str, str]
) -> None:
    """Bytes that are no text, numbers without end, names twice, hosts that are none: at every route."""
    for query in ODD_QUERIES:
        request = HttpRequest(*route, GOOD_HEADERS, b"{}", query)
        check_answer(request, line.ask(request))
    for name, values in ODD_HEADERS.items():
        for value in values:
            request = HttpRequest(*route, {**GOOD_HEADERS, name: value}, b"{}")
            check_answer(request, line.ask(request))


@many
@given(build_requests(API + NOWHERE), st.integers(1, 4))
def test_the_shell_answers_anything(line: Line, request: HttpRequest, chunks: int) -> None:
    """Likewise through ASGI, with the body in several parts."""
    check_answer(request, line.ask(request, chunks))


@many
@given(build_requests(CONTROL))
def test_control_answers_anything(line: Line, request: HttpRequest) -> None:
    """Likewise what is under /sandbox/ for tests."""
    check_answer(request, line.ask(request))


@many
@given(build_requests(PAGES))
def test_pages_and_short_links_answer_anything(line: Line, request: HttpRequest) -> None:
    """Likewise the inbox and the links in texts."""
    check_answer(request, line.ask(request))


@pytest.mark.parametrize(
    "route", [r for r in (*API, *CONTROL, *PAGES) if r[1] != "/s/LINK"], ids=" ".join
)  # a link is followed without a look at the body
def test_a_body_that_is_too_large_is_refused_everywhere(
    line: Line, route: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """413 in the form of the route, whether or not the length was declared."""
    monkeypatch.setattr(bodies, "MAX_BODY", 1000)
    for headers in (GOOD_HEADERS, {**GOOD_HEADERS, "content-length": "1001"}):
        request = HttpRequest(*route, headers, b"x" * 1001)
        answer = line.ask(request, chunks=7)

        check_answer(request, answer)
        assert answer.status == 413
