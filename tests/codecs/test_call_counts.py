"""What speed rests on, as far as it can be counted: calls, bytes and loaded modules; never seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    Client,
    DeliveryReport,
    DeliveryReports,
    SmsRequest,
    SmsResponse,
    Status,
    parse_delivery_reports,
)
from infobip_sms.codecs import converters, wire_json, wire_xml
from tests.bench import targets
from tests.bench.costs import measure_peak
from tests.bench.documents import build_destinations, build_messages, build_reply
from tests.bench.timing import Figure, measure
from tests.client.calls import AUTH, both, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.calls import Serve

CODECS: dict[str, Any] = {"json": wire_json, "xml": wire_xml}


def count_calls(do: Callable[[], Any]) -> int:
    """Return how many functions a piece of work calls, of Python and of C."""
    counts: Counter[str] = Counter()
    do()
    sys.setprofile(lambda _, event, __: counts.update([event]))
    try:
        do()
    finally:
        sys.setprofile(None)
    return counts["call"] + counts["c_call"]


@both
@pytest.mark.parametrize("build", [build_messages, build_destinations])
def test_reading_and_writing_grow_with_the_document_and_no_faster(wire: str, build: Any) -> None:
    """A request of ten times as many takes at most ten times as many calls, and few for each of them."""
    codec = CODECS[wire]
    small, large = build(300), build(3_000)
    bodies = [codec.dump_model(request) for request in (small, large)]
    reading = [count_calls(partial(codec.parse_request, b, SmsRequest)) for b in bodies]
    writing = [count_calls(partial(codec.dump_model, r)) for r in (small, large)]

    assert reading[1] <= 10 * reading[0]
    assert writing[1] <= 10 * writing[0]
    assert max(reading[1], writing[1]) <= 60 * 3_000


@both
def test_reading_a_response_grows_with_it_and_no_faster(wire: str) -> None:
    """A response of ten times as many entries takes at most ten times as many calls."""
    codec = CODECS[wire]
    bodies = [codec.dump_model(build_reply(count)) for count in (300, 3_000)]
    small, large = (count_calls(partial(codec.parse_response, b, SmsResponse)) for b in bodies)

    assert large <= 10 * small


def test_an_entry_of_a_response_takes_few_calls() -> None:
    """Reading an entry calls its reader and that of its status, counts its fields, and looks at two texts."""
    bodies = [wire_json.dump_model(build_reply(count)) for count in (300, 3_000)]
    small, large = (count_calls(partial(wire_json.parse_response, b, SmsResponse)) for b in bodies)

    assert large - small <= 2_700 * 5


def test_a_message_is_built_with_few_calls() -> None:
    """Each field of a message that somebody builds is looked at once, and not at all without a value."""
    calls = count_calls(lambda: build_messages(100))

    assert calls < 100 * 85


@both
def test_posted_reports_are_looked_at_once(wire: str) -> None:
    """What is posted to a notify URL takes as many calls as reading it, and a few more."""
    status = Status(group_id=3, group_name="DELIVERED", id=5, name="DELIVERED_TO_HANDSET")
    entries = [DeliveryReport(message_id=str(n), to="1", status=status) for n in range(300)]
    body = CODECS[wire].dump_model(DeliveryReports(results=entries))
    reading = count_calls(lambda: CODECS[wire].parse_response(body, DeliveryReports))
    parsing = count_calls(lambda: parse_delivery_reports(body, f"application/{wire}"))

    assert parsing < reading + 100


@pytest.mark.parametrize("library", ["orjson", "standard"])
def test_json_is_written_without_a_plain_copy(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to 10,000 destinations holds at most four times what is written, with either library."""
    if library == "standard":
        monkeypatch.setattr(wire_json, "_get_writer", lambda: wire_json._write_standard)
    request = build_destinations(10_000)
    size = len(wire_json.dump_model(request))

    assert size < measure_peak(lambda: wire_json.dump_model(request)) < 4 * size


def test_xml_is_written_without_a_tree() -> None:
    """Writing to 10,000 destinations holds at most four times what is written."""
    request = build_destinations(10_000)
    size = len(wire_xml.dump_model(request))

    assert size < measure_peak(lambda: wire_xml.dump_model(request)) < 4 * size


def test_nothing_is_prepared_twice(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of calls in each format only the first makes converters and hooks."""
    request, response = build_messages(1), build_reply(1)
    made: Counter[str] = Counter()
    wire: Any
    for wire, codec in CODECS.items():
        body = reply(codec.dump_model(response), 200, f"application/{wire}")
        server = serve(body, body)
        with Client(server.url, auth=AUTH, wire=wire) as client:
            client.send(request)
            for name in ("_choose_reader", "_choose_writer", "_make_reader", "_make_writer"):
                monkeypatch.setattr(converters, name, lambda *_, **__: made.update(["made"]))
            client.send(request)

    assert not made


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_a_call_loads_no_xml_library(wire: str) -> None:
    """Reading and writing good documents loads neither xmlschema nor lxml, nor what these need."""
    code = (
        "import sys, infobip_sms as i; from infobip_sms.codecs import get_codec; "
        f"c = get_codec('{wire}'); "
        "r = i.SmsRequest(messages=[i.Message(destinations=[i.Destination(to='999')])]); "
        "assert c.parse_request(c.dump_model(r), i.SmsRequest) == r; "
        "print([m for m in ('xmlschema', 'lxml', 'elementpath') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_package_alone_loads_next_to_nothing() -> None:
    """Importing the package loads neither attrs nor cattrs nor urllib3: names load what they need."""
    code = (
        "import sys, infobip_sms; "
        "print([m for m in ('attr', 'cattrs', 'urllib3', 'infobip_sms_schema') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_first_client_loads_only_what_it_needs() -> None:
    """A client reads no certificates, and loads neither codecs nor what most systems do without."""
    code = (
        "import ssl, sys; ssl.create_default_context = None; "
        "from infobip_sms import ApiKey, Client; Client(auth=ApiKey('key')); "
        "late = 'cattrs encodings.idna urllib.request orjson infobip_sms.codecs.converters'.split(); "
        "late += [f'infobip_sms_schema.{name}' for name in ('json_codec', 'xml_codec', 'xml_scalars')]; "
        "print([m for m in late if m in sys.modules])"
    )
    names = [name for name in os.environ if not name.lower().endswith("_proxy")]
    clean = {name: os.environ[name] for name in names}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
    )

    assert done.stdout.strip() == "[]"


def test_help_and_completion_load_no_client() -> None:
    """What a shell starts at each tab loads neither HTTP nor TLS."""
    code = (
        "import sys; from infobip_sms.cli import cli; cli(['send', '--help'], standalone_mode=False); "
        "print([m for m in ('urllib3', 'ssl', 'http.client', 'tomllib', 'cattrs') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


# ---------------------------------------------------------------- the bench


def test_rounds_are_interleaved() -> None:
    """Each piece of work is done in each round, after the one that it is compared with."""
    order: list[str] = []
    works = {name: lambda name=name: order.append(name) for name in ("first", "second")}
    figures = measure(works, 3)
    turns = [n for n, before in zip(order, [None, *order], strict=False) if n != before]

    assert turns == ["first", "second"] * 4  # once to see how often
    assert {len(figure.ratios) for figure in figures.values()} == {3}
    assert figures["first"].ratio == 1


def test_a_target_is_of_figures_of_the_same_round() -> None:
    """A target compares round by round, and says whether it is reached."""
    work, size, ours, theirs, most = targets.LIMITS[0]
    rows: Any = [
        SimpleNamespace(work=work, size=size, peer=peer, figure=Figure((1.0,), (1.0,), ratios))
        for peer, ratios in ((ours, (2.0, 40.0, 6.0)), (theirs, (1.0, 10.0, 1.0)))
    ]
    imports = {"import infobip_sms": 1.0, "attrs + cattrs + urllib3": 2.0}
    found = targets.find_targets(rows, {"JSON: write": 4.5, "JSON: read": 9.0}, imports)

    assert [(t.found, t.is_reached) for t in found] == [
        (4.0, most >= 4.0),
        (4.5, False),
        (0.5, True),
    ]
