"""The profile for every commit: a sample of the cases, within 60 requests."""

import subprocess
import sys

from infobip_sms_conformance.contract.files import WIRES
from infobip_sms_conformance.run.runner import build_plan
from infobip_sms_conformance.session.budget import get_rejected_cases, is_sent
from infobip_sms_conformance.session.plan import PROFILES
from infobip_sms_conformance.transport.http import parse_target

from infobip_sms.sandbox import running
from tests.conformance.runs_in_process import ACCOUNT, Judge, find_rows


def test_sample_has_one_case_of_each_requirement() -> None:
    """Every requirement with cases is in the sample once, and both formats are used."""
    cases = [
        (case.requirement_id, wire)
        for case in get_rejected_cases()
        for wire in WIRES
        if is_sent(case, wire, PROFILES["quick"], WIRES)
    ]

    assert sorted(name for name, _ in cases) == sorted(
        {c.requirement_id for c in get_rejected_cases()}
    )
    assert {wire for _, wire in cases} == set(WIRES)


def test_quick_run_needs_few_requests_and_finds_faults(judge_line: Judge) -> None:
    """A good server passes with at most 60 requests; a fault of the message request is found."""
    plan = build_plan(parse_target("http://127.0.0.1:1"), profile="quick")
    with running(api_key=ACCOUNT[-1]) as sandbox:
        good, report = judge_line.judge(sandbox.url, "--profile", "quick")
        sandbox.switch_on("SEND-010", "RESP-008")
        _, broken = judge_line.judge(sandbox.url, "--profile", "quick")

    assert plan.budget.planned_cost.requests <= 60
    assert report["requests"] <= 60
    assert good.code == 0, good.out
    assert find_rows(broken, "FAIL") == {"SEND-010", "RESP-008"}


def test_what_only_a_full_run_needs_is_not_loaded() -> None:
    """The command line loads Hypothesis for generated requests, and jinja2 for a page."""
    code = (
        "import sys, infobip_sms_conformance.cli; "
        "from infobip_sms_conformance.contract.generated import build_requests; "
        "assert build_requests(0) == (); "
        "print([m for m in ('hypothesis', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
