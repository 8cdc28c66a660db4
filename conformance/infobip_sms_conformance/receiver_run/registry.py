"""The checks of a callback receiver, each with the number of posts that it may send."""

from collections.abc import Callable
from dataclasses import dataclass

from infobip_sms_conformance.receiver_run.conversation import Conversation

CheckFunction = Callable[[Conversation], None]


@dataclass(frozen=True)
class ReceiverCheck:
    """One check of one requirement; it raises a CheckOutcome unless the requirement is met."""

    requirement_id: str
    name: str
    posts: int
    run: CheckFunction
    explained_by: str = ""
    """The requirement whose failure explains one of this check."""


CHECKS: list[ReceiverCheck] = []


def check(
    requirement_id: str, *, posts: int, explained_by: str = ""
) -> Callable[[CheckFunction], CheckFunction]:
    """Return a decorator that registers a check."""

    def register(function: CheckFunction) -> CheckFunction:
        name = function.__name__.replace("_", "-")
        CHECKS.append(ReceiverCheck(requirement_id, name, posts, function, explained_by))
        return function

    return register
