"""Builds the plan of a run and runs it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from infobip_sms_conformance.contract.files import WIRES, read_numbers
from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.fixtures.webhook_messages import CALL_STATUSES
from infobip_sms_conformance.observations.verdicts import Finding, Inconclusive
from infobip_sms_conformance.run.engine import EngineError, run_checks, select_checks
from infobip_sms_conformance.run.result import RunResult, build_result
from infobip_sms_conformance.session.budget import build_budget
from infobip_sms_conformance.session.first_requests import NotTestableError
from infobip_sms_conformance.session.plan import (
    FEATURES,
    MAX_NUMBERS_LIVE,
    PROFILES,
    Plan,
    Profile,
)
from infobip_sms_conformance.session.recorded import Key, RecordedRequest
from infobip_sms_conformance.session.server_clock import get_clock_offset
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import TargetServer
from infobip_sms_conformance.transport.webhook_receiver import HOST, WebhookReceiver, start_receiver

MAX_CLOCK_OFFSET = 30.0  # seconds


class PlanError(UsageError):
    """The options do not allow a run."""


def build_plan(  # noqa: PLR0913 - as many as there are options
    target: TargetServer,
    *,
    profile: str = "full",
    seed: int = DEFAULT_SEED,
    to: Sequence[str] = (),
    max_messages: int | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    patience: float = 10.0,
    clock: bool = False,
) -> Plan:
    """Return the plan of a run against a server; PlanError when the options do not allow one."""
    if unknown := set(without) - set(FEATURES):
        raise PlanError(f"no feature is called {min(unknown)}; there are: {', '.join(FEATURES)}")
    if not target.is_loopback:
        require_remote_limits(profile, to, max_messages)
    if profile != "full" and len(set(to)) > MAX_NUMBERS_LIVE:
        raise PlanError(f"the profile {profile} takes at most {MAX_NUMBERS_LIVE} numbers")
    chosen = PROFILES[profile]
    left_out = frozenset(without) | chosen.without
    wires = tuple(wire for wire in WIRES if wire not in left_out)
    checks = select_checks(chosen, only, left_out, wires)
    if not checks:
        raise PlanError(describe_empty_selection(chosen, only, frozenset(without)))
    return Plan(
        profile=chosen,
        seed=seed,
        wires=wires,
        allowed=tuple(dict.fromkeys(to)) or read_numbers(),
        budget=build_budget(chosen, checks, wires, seed=seed, max_messages=max_messages, only=only),
        without=left_out,
        patience=patience,
        clock=clock,
    )


def describe_empty_selection(profile: Profile, only: Sequence[str], without: frozenset[str]) -> str:
    """Say why no check is selected: the requirements have none, or an option leaves them out."""
    chosen, full = ", ".join(only[:3]), PROFILES["full"]
    if not select_checks(full, only, frozenset()):
        known = select_checks(full, [one.partition(":")[0] for one in only], frozenset())
        why = "no such check" if known else "not checked in servers"
        number = only[0].partition(":")[0]
        return f"--only {chosen}: {why}; see infobip-sms conformance explain {number}"
    if select_checks(full, only, without):
        return f"--only {chosen}: not in the profile {profile.name}; use --profile full"
    features = sorted(f for f in without if select_checks(full, only, without - {f}))
    given = " ".join(f"--without {feature}" for feature in features or sorted(without))
    return f"--only {chosen}: left out by {given}"


def require_remote_limits(profile: str, to: Sequence[str], max_messages: int | None) -> None:
    """Raise PlanError unless the allowed numbers are given, and a message limit for the profile full."""
    if not to:
        raise PlanError("name with --to the numbers that may get messages")
    if PROFILES[profile].max_messages is None and max_messages is None:
        raise PlanError(f"the profile {profile} expects --max-messages where messages may be real")


def run_suite(  # noqa: PLR0913 - as many as there are options
    target: TargetServer,
    credentials: Credentials,
    plan: Plan,
    *,
    only: Sequence[str] = (),
    callback: str | None = None,
    callback_port: int = 0,
    callback_host: str = HOST,
    on_finding: Callable[[Finding, int, int], None] | None = None,
    recorded: Mapping[Key, RecordedRequest] | None = None,
) -> tuple[RunResult, Session]:
    """Check a server; what went wrong with the run itself is in the record.

    callback: the URL under which the server reaches callback_port of this machine; not needed for a
    server on this machine. callback_host: the address to listen on. on_finding: called with every finding as it is made. recorded: requests of an
    earlier run that are sent in place of those of the same name.
    """
    with ExitStack() as stack:
        receiver = None
        if target.is_loopback or callback:
            receiver = stack.enter_context(listen(callback_host, callback_port))
            if callback:
                receiver.base = callback.rstrip("/")
        session = Session(target, credentials, plan, receiver, recorded)
        try:
            if plan.clock:
                require_unmoved_clock(target)
            session.start()
            findings = run_checks(session, only, on_finding)
        except (NotTestableError, EngineError, Inconclusive) as error:
            return build_result(session, [], str(error)), session
        return build_result(session, findings), session


def require_unmoved_clock(target: TargetServer) -> None:
    """Raise NotTestableError if an earlier run, or anything else, has moved the server's clock."""
    lead = get_clock_offset(target)
    if abs(lead) > MAX_CLOCK_OFFSET:
        raise NotTestableError(
            f"the clock of the server is {lead:+.0f} s off, as a run with --clock leaves it; "
            "restart the server, or POST /sandbox/reset to it"
        )


@contextmanager
def listen(host: str, port: int) -> Iterator[WebhookReceiver]:
    """Run the callback server inside a ``with`` block; PlanError if it cannot listen there."""
    with ExitStack() as stack:
        try:
            receiver = stack.enter_context(start_receiver(CALL_STATUSES, "reports", port, host))
        except OSError as error:
            place = (
                f"--callback-port {port}"
                if host == HOST
                else f"--callback-host {host}, port {port}"
            )
            raise PlanError(f"{place}: {error.strerror}") from None
        yield receiver
