"""One run from its plan to its record.

Lives here: the order of a run.
Never here: options and files (__main__.py), what is printed (report/), a check.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from infobip_sms_conformance.contract.files import WIRES, read_numbers
from infobip_sms_conformance.contract.hypothesis_backend import DEFAULT_SEED
from infobip_sms_conformance.errors import WrongUsage
from infobip_sms_conformance.fixtures.webhook_messages import ANSWERS
from infobip_sms_conformance.observations.verdicts import Finding, Inconclusive
from infobip_sms_conformance.run.engine import EngineFailure, find_groups, run_checks
from infobip_sms_conformance.run.result import Record, build_record
from infobip_sms_conformance.session.budget import build_bill
from infobip_sms_conformance.session.plan import FEATURES, MOST_NUMBERS_LIVE, PROFILES, Plan
from infobip_sms_conformance.session.server_clock import find_lead
from infobip_sms_conformance.session.session import NotJudgeable, Session
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import Target
from infobip_sms_conformance.transport.webhook_receiver import Receiver, start_receiver

MOST_LEAD = 30.0  # seconds


class WrongPlan(WrongUsage):
    """What was asked for cannot be run."""


def build_plan(  # noqa: PLR0913 - as many as there are options
    target: Target,
    *,
    profile: str = "full",
    seed: int = DEFAULT_SEED,
    to: Sequence[str] = (),
    most: int | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    patience: float = 10.0,
    clock: bool = False,
) -> Plan:
    """Return the plan of a run against a server; WrongPlan when there cannot be one."""
    if unknown := set(without) - set(FEATURES):
        raise WrongPlan(f"no feature is called {min(unknown)}; there are: {', '.join(FEATURES)}")
    if not target.is_loopback:
        check_far(profile, to, most)
    if profile != "full" and len(set(to)) > MOST_NUMBERS_LIVE:
        raise WrongPlan(f"the profile {profile} takes at most {MOST_NUMBERS_LIVE} numbers")
    left_out = frozenset(without)
    wires = tuple(wire for wire in WIRES if wire not in left_out)
    chosen = PROFILES[profile]
    groups = find_groups(chosen, only, left_out)
    return Plan(
        profile=chosen,
        seed=seed,
        wires=wires,
        allowed=tuple(dict.fromkeys(to)) or read_numbers(),
        bill=build_bill(chosen, groups, wires, seed, most),
        without=left_out,
        patience=patience,
        clock=clock,
    )


def check_far(profile: str, to: Sequence[str], most: int | None) -> None:
    """Raise WrongPlan unless it was said to whom messages may go, and how many if many."""
    if not to:
        raise WrongPlan("name with --to the numbers that may get messages")
    if profile == "full" and most is None:
        raise WrongPlan("the profile full wants --max-messages where messages may be real")


def judge(  # noqa: PLR0913 - as many as there are options
    target: Target,
    credentials: Credentials,
    plan: Plan,
    *,
    only: Sequence[str] = (),
    callback: str | None = None,
    callback_port: int = 0,
    tell: Callable[[Finding, int, int], None] | None = None,
) -> tuple[Record, Session]:
    """Judge a server; what went wrong with the run itself is in the record.

    callback: the URL under which the server reaches callback_port of this machine; not needed for a
    server on this machine. tell: hears of every finding as it is made.
    """
    with ExitStack() as stack:
        receiver = None
        if target.is_loopback or callback:
            receiver = stack.enter_context(listen(callback_port))
            if callback:
                receiver.base = callback.rstrip("/")
        session = Session(target, credentials, plan, receiver)
        try:
            if plan.clock:
                check_clock(target)
            session.start()
            findings = run_checks(session, only, tell)
        except (NotJudgeable, EngineFailure, Inconclusive) as error:
            return build_record(session, [], str(error)), session
        return build_record(session, findings), session


def check_clock(target: Target) -> None:
    """Raise NotJudgeable where an earlier run, or somebody else, has moved the clock of the server."""
    lead = find_lead(target)
    if abs(lead) > MOST_LEAD:
        raise NotJudgeable(
            f"the clock of the server is {lead:+.0f} s off, as a run with --clock leaves it; "
            "restart the server, or POST /sandbox/reset to it"
        )


@contextmanager
def listen(port: int) -> Iterator[Receiver]:
    """Run the callback server for the time of a ``with`` block; WrongPlan where its port is taken."""
    with ExitStack() as stack:
        try:
            receiver = stack.enter_context(start_receiver(ANSWERS, "reports", port))
        except OSError as error:
            raise WrongPlan(f"--callback-port {port}: {error.strerror}") from None
        yield receiver
