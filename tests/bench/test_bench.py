"""The bench compares runs, says how quiet the machine was, and its targets are those of its rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import SmsResponse
from infobip_sms.codecs import wire_json
from tests.bench import by_hand, compare, day_program
from tests.bench.costs import EACH, SUITE
from tests.bench.documents import build_messages, build_reply
from tests.bench.targets import CALL, find_suite_targets, find_wall_targets
from tests.bench.timing import LOUD, Figure, describe_noise, measure_noise

if TYPE_CHECKING:
    from pathlib import Path


def build_run(ratio: float, *, spread: float = 0.01, noise: float = 1.0, found: float = 1.0) -> Any:
    """Return a run of one row and one target, as the bench writes it."""
    row = {"work": "W", "size": "1", "peer": "p", "ratio": ratio, "noise": noise}
    row |= {"ratio_least": ratio - spread, "ratio_most": ratio + spread}
    target = {"name": "T", "most": 2.0, "found": found, "reached": found <= 2.0}
    return {
        "noise": noise,
        "rows": [row],
        "memory": {},
        "imports": {"i": found},
        "targets": [target],
    }


@pytest.mark.parametrize(
    ("other", "this", "expected"),
    [
        (build_run(1.0), build_run(1.05), []),
        (build_run(1.0, spread=0.6), build_run(1.5), []),
        (build_run(1.0), build_run(1.5), ["W, 1: p: 1.00 -> 1.50"]),
        (build_run(1.0), build_run(1.5, noise=2.0), ["W, 1: p: 1.00 -> 1.50 (noisy)"]),
        (
            build_run(1.0),
            build_run(1.0, found=3.0),
            ["imports, i: 1.00 -> 3.00", "missed now: T: 3.000 of 2.000"],
        ),
    ],
)
def test_a_comparison_shows_what_changed(other: Any, this: Any, expected: list[str]) -> None:
    """It shows a ratio outside of what the other run saw, and a target that is not reached any more."""
    first, *lines = compare.list_changes(other, this)

    assert first.startswith("other: quiet")
    assert lines == expected


def test_a_comparison_ends_with_1_when_a_target_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The status is for CI; a file that is not there is named."""
    files = [tmp_path / "other.json", tmp_path / "this.json"]
    names = [str(path) for path in files]
    missing = compare.main(names)
    files[0].write_text(json.dumps(build_run(1.0)))
    files[1].write_text(json.dumps(build_run(1.0, found=3.0)))
    lost, same = compare.main(names), compare.main([names[1], names[1]])

    assert (missing, lost, same) == (2, 1, 0)
    assert capsys.readouterr().out.startswith(f"bench-compare: {names[0]} does not exist")


def test_a_noisy_machine_is_marked() -> None:
    """The spread of the loop is at least 1, and above a bound the figures are not to be trusted."""
    assert measure_noise() >= 1
    assert describe_noise(LOUD).startswith("quiet")
    assert describe_noise(LOUD + 0.01).startswith("too noisy to trust")


def test_a_figure_has_ratios_of_the_processor_and_of_the_wall() -> None:
    """Both are of the first work, round by round."""
    figure = Figure.of([(2.0, 9.0), (4.0, 8.0)], [(1.0, 3.0), (1.0, 2.0)])

    assert (figure.ratios, figure.wall_ratios) == ((2.0, 4.0), (3.0, 4.0))


def test_calls_and_runs_have_targets_on_the_wall() -> None:
    """A whole call is compared by both clocks; a run of the suite has a bound for each request."""
    figure = Figure.of([(1.0, 1.2)], [(1.0, 1.0)])
    calls = list(find_wall_targets({(CALL, "1 message", "infobip-sms, JSON"): figure}))
    rows: Any = [
        type("Row", (), {"work": SUITE, "size": "quick, 50 requests", "peer": peer, "figure": each})
        for peer, each in (
            ("whole run", Figure.of([(1.0, 3.0)], [(1.0, 3.0)])),
            (EACH, Figure.of([(0.01, 0.06)], [(1.0, 3.0)])),
        )
    ]
    runs = list(find_suite_targets(rows))

    assert [(t.found, t.is_reached) for t in calls] == [(1.2, False)]
    assert [(t.found, t.is_reached) for t in runs] == [(3.0, False), (10.0, True)]


def test_each_program_does_each_task_of_a_day() -> None:
    """A task is finished when every message came out of it."""

    class Program:
        def send(self, numbers: range) -> int:
            return len(numbers)

        def send_bulk(self, count: int) -> int:
            return count

        def receive(self, body: str) -> int:
            return int(body)

    for task in ("singles", "bulk", "reports", "batches"):
        assert day_program.perform(Program(), task, 200, {"1": "1", "100": "100"}) == 200


def test_loops_by_hand_do_what_the_codecs_do() -> None:
    """What is said to be the least work reads the same values, and writes the same bytes."""
    request, response = build_messages(20), wire_json.dump_model(build_reply(20))
    body = wire_json.dump_model(request)
    models = wire_json.parse_response(response, SmsResponse).messages
    facts = [(m.to, m.message_id, m.sms_count, m.status.name) for m in models]

    for read in by_hand.find_readers(response).values():
        entries = read()
        assert [(m.to, m.message_id, m.sms_count, m.status.name) for m in entries] == facts
    assert [write() for write in by_hand.find_writers(body).values()] == [body, body]
