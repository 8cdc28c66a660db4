"""The cyclic garbage collector pauses while a large document is read, and is as it was afterwards."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import InvalidRequestError, InvalidResponseError, SmsRequest, SmsResponse
from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.codecs.collector import LARGE, pause_collector
from tests.bench.documents import build_destinations, build_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}
BODY = b" " * LARGE
documents = pytest.mark.parametrize(
    ("wire", "direction"), [(w, d) for w in CODECS for d in ("request", "response")]
)


@pytest.fixture(autouse=True)
def fixture_collector() -> Iterator[None]:
    """Leave the collector on, as it is found."""
    yield
    gc.unfreeze()
    gc.enable()


@cache
def build_document(wire: str, direction: str) -> tuple[bytes, Callable[[bytes], Any], Any]:
    """Return a large document, what reads it, and what it is to be read as."""
    codec = CODECS[wire]
    if direction == "request":
        model: Any = build_destinations(2_000)
        return codec.dump_model(model), lambda b: codec.parse_request(b, SmsRequest), model
    model = build_reply(2_000)
    return codec.dump_model(model), lambda b: codec.parse_response(b, SmsResponse), model


def count_collections(do: Callable[[], Any]) -> int:
    """Return how often the collector runs while something is done."""
    phases: list[str] = []

    def record(phase: str, _: dict[str, int]) -> None:
        phases.append(phase)

    gc.collect()
    gc.callbacks.append(record)
    try:
        do()
        return phases.count("start")
    finally:
        gc.callbacks.remove(record)


@documents
def test_no_collection_interrupts_a_large_document(wire: str, direction: str) -> None:
    """The collector runs once at most for a document, when it is read, and never in one that is small."""
    body, read, _ = build_document(wire, direction)

    assert len(body) > LARGE
    assert count_collections(lambda: read(body)) <= 1
    assert gc.isenabled()


@documents
@pytest.mark.parametrize("state", ["on", "off", "frozen", "from a reader"])
def test_a_document_is_the_same_whatever_the_collector_does(
    wire: str, direction: str, state: str
) -> None:
    """What is read, and what is wrong with it, does not depend on the collector; its state stays."""
    body, read, model = build_document(wire, direction)
    if state == "off":
        gc.disable()
    if state == "frozen":
        gc.freeze()
    frozen = gc.get_freeze_count()
    found = pause_collector(read)(body) if state == "from a reader" else read(body)
    with pytest.raises((InvalidRequestError, InvalidResponseError)) as raised:
        read(body[:-20])

    assert found == model
    assert len(str(raised.value).splitlines()) == 1
    assert gc.isenabled() is (state != "off")
    assert gc.get_freeze_count() == frozen


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_the_collector_is_as_it_was(is_on: bool, error: type[BaseException] | None) -> None:
    """It is off while a large document is read, and afterwards as before, also after an exception."""
    if not is_on:
        gc.disable()
    states: list[bool] = []

    @pause_collector
    def read(_: bytes) -> None:
        states.append(gc.isenabled())
        if error:
            raise error

    for body in (BODY, BODY[1:], BODY):
        with suppress(ValueError, KeyboardInterrupt):
            read(body)
        states.append(gc.isenabled())

    assert states == [False, is_on, is_on, is_on, False, is_on]


def test_a_reader_inside_a_reader_does_not_end_its_pause() -> None:
    """The pause ends with the outermost reader, and what somebody switches on inside stays on."""
    states: list[bool] = []

    @pause_collector
    def inner(_: bytes) -> None:
        states.append(gc.isenabled())

    @pause_collector
    def outer(body: bytes) -> None:
        inner(body)
        states.append(gc.isenabled())
        gc.enable()
        inner(body)

    outer(BODY)

    assert states == [False, False, True]
    assert gc.isenabled()


def test_threads_do_not_keep_the_collector_off() -> None:
    """The pause ends with the document that began it, also if another thread reads without an end."""
    started, go_on = [Event(), Event()], [Event(), Event()]

    @pause_collector
    def read(_: bytes, number: int) -> bool:
        started[number].set()
        go_on[number].wait(10)
        return gc.isenabled()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(read, BODY, 0)
        started[0].wait(10)
        second = pool.submit(read, BODY, 1)
        started[1].wait(10)
        during = gc.isenabled()
        go_on[0].set()
        inside = first.result(10)
        between = gc.isenabled()
        go_on[1].set()
        last = second.result(10)

    assert (during, inside, between, last) == (False, False, True, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_has_a_collector_that_runs() -> None:
    """A process that is forked while a document is read collects, and pauses for its own documents."""
    code = (
        "import gc, os\n"
        "from infobip_sms.codecs.collector import LARGE, pause_collector\n"
        "read = pause_collector(lambda body, do: do(body))\n"
        "def fork(body):\n"
        "    if child := os.fork():\n"
        "        return os.waitpid(child, 0)[1], gc.isenabled()\n"
        "    paused = read(body, lambda _: not gc.isenabled())\n"
        "    os._exit(0 if gc.isenabled() and paused else 9)\n"
        "print(read(bytes(LARGE), fork), gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "(0, False) True"
