"""Violations of a document, collected from the exceptions that cattrs raises."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import attrs
from cattrs import ClassValidationError
from cattrs.errors import AttributeValidationNote
from infobip_sms_schema import InvalidRequestError, Violation

if TYPE_CHECKING:
    from infobip_sms_schema.constraints import Constraint


def get_violations(problem: Exception) -> list[Violation]:
    """Return the violations in an exception of a hook; an empty list if there are none."""
    if isinstance(problem, ClassValidationError):
        return get_group_violations(problem)
    return list(problem.violations) if isinstance(problem, InvalidRequestError) else []


def get_group_violations(group: ClassValidationError) -> list[Violation]:
    """Return every violation of a group, with its path; reraise any other exception."""
    found: list[Violation] = []
    for problem in group.exceptions:
        step = _get_path_step(problem, group)
        if isinstance(problem, KeyError):
            found.append(_build_missing_violation(problem, group, step))
        elif isinstance(problem, ClassValidationError | InvalidRequestError):
            found += [violation.inside(step) for violation in get_violations(problem)]
        else:
            raise problem
    return found


def _get_path_step(error: BaseException, group: ClassValidationError) -> str:
    notes = [n for n in getattr(error, "__notes__", ()) if isinstance(n, AttributeValidationNote)]
    return _list_wire_names(group.cl)[notes[-1].name] if notes else ""


@cache
def _list_wire_names(cls: type[attrs.AttrsInstance]) -> dict[str, str]:
    return {name: str(f.metadata.get("wire")) for name, f in attrs.fields_dict(cls).items()}


def _build_missing_violation(error: KeyError, group: ClassValidationError, step: str) -> Violation:
    return _describe_missing(group.cl, error.args[0]).inside(step)


@cache
def _describe_missing(cls: type[attrs.AttrsInstance], wire: str) -> Violation:
    field = next(f for f in attrs.fields(cls) if f.metadata.get("wire") == wire)
    constraint: Constraint = field.validator
    return constraint.build_missing_violation(field.type)
