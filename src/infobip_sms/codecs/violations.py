"""Violations of a document, collected from the exceptions that cattrs raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from cattrs import ClassValidationError
from cattrs.errors import AttributeValidationNote
from infobip_sms_schema import InvalidRequestError, Violation

if TYPE_CHECKING:
    from infobip_sms_schema.constraints import Limit


def list_violations_of(problem: Exception) -> list[Violation]:
    """Return the violations that an exception of a hook carries; none if it carries none."""
    if isinstance(problem, ClassValidationError):
        return list_violations(problem)
    return list(problem.violations) if isinstance(problem, InvalidRequestError) else []


def list_violations(group: ClassValidationError) -> list[Violation]:
    """Return every violation of a group, with its path; raise what is not a violation."""
    found: list[Violation] = []
    for problem in group.exceptions:
        where = _find_step(problem, group)
        if isinstance(problem, KeyError):
            found.append(_find_missing(problem, group, where))
        elif isinstance(problem, ClassValidationError | InvalidRequestError):
            found += [violation.inside(where) for violation in list_violations_of(problem)]
        else:
            raise problem
    return found


def _find_step(problem: BaseException, group: ClassValidationError) -> str:
    notes = [n for n in getattr(problem, "__notes__", ()) if isinstance(n, AttributeValidationNote)]
    return str(attrs.fields_dict(group.cl)[notes[-1].name].metadata["wire"]) if notes else ""


def _find_missing(problem: KeyError, group: ClassValidationError, where: str) -> Violation:
    field = next(f for f in attrs.fields(group.cl) if f.metadata.get("wire") == problem.args[0])
    limit: Limit = field.validator
    return limit.missing(field.type).inside(where)
