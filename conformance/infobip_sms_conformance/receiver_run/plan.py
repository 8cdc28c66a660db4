"""The plan of a run against a callback receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.receiver_run import content_checks, transfer_checks
from infobip_sms_conformance.receiver_run.connection import ReceiverAddress
from infobip_sms_conformance.receiver_run.process import ReceiverProcess
from infobip_sms_conformance.receiver_run.registry import CHECKS, ReceiverCheck

FIRST, IN_TIME, KEPT_FIRST, SURVIVES, KEPT_FIELDS = (
    *("RCV-001", "RCV-002", "RCV-029", "RCV-030", "RCV-031"),
)
SECONDS = 5.0
MODULES = (content_checks, transfer_checks)
"""They register the checks."""
FORMS = content_checks.get_base_forms()
FORM_SETS = [names for size in range(len(FORMS) + 1) for names in combinations(FORMS, size)]
"""Which forms of the documented report are tried until one is acknowledged."""


@dataclass(frozen=True)
class ReceiverPlan:
    """What a run posts at most."""

    address: ReceiverAddress
    wires: tuple[str, ...] = WIRES
    only: tuple[str, ...] = ()
    seconds: float = SECONDS
    """How long a response may take."""
    kept: tuple[str, ...] = ()
    """The command that prints what was kept."""
    process: ReceiverProcess | None = None
    patience: float = 3.0
    """Seconds to wait for what is kept only after the response."""

    @property
    def checks(self) -> list[ReceiverCheck]:
        """The chosen checks, in the order in which they run."""
        chosen = [check for check in CHECKS if is_selected(check.requirement_id, self.only)]
        return sorted(chosen, key=lambda check: check.requirement_id)

    @property
    def requirement_ids(self) -> list[str]:
        """The requirements that the run checks."""
        found = {FIRST, IN_TIME, *(check.requirement_id for check in self.checks)}
        found |= {KEPT_FIRST, KEPT_FIELDS} if self.kept else set()
        found |= {SURVIVES} if self.kills else set()
        return [name for name in read_requirements() if name in found]

    @property
    def kills(self) -> bool:
        """Whether the receiver is killed and started again."""
        return bool(self.kept and self.process and is_selected(SURVIVES, self.only))

    @property
    def posts_per_wire(self) -> int:
        """The most posts in one format; a check that fails is followed by a control."""
        return len(FORM_SETS) + sum(check.posts + 1 for check in self.checks) + self.kills

    @property
    def max_posts(self) -> int:
        """The most posts of the run."""
        return len(self.wires) * self.posts_per_wire


def is_selected(requirement_id: str, only: Sequence[str]) -> bool:
    """Tell whether a requirement was chosen."""
    return not only or requirement_id.startswith(tuple(only))
