"""Conversions and clicks on short links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
from infobip_sms_schema import ConversionResponse

from .http import HttpError, HttpRequest, HttpResponse, OperationResult

if TYPE_CHECKING:
    from infobip_sms.sandbox.state.state import State

_URL = "/%:@!$&'()*+,;=-._~?#[]"  # characters of a URL that are not escaped


def count_conversion(message_id: str, state: State) -> OperationResult:
    """Record a conversion of a tracked message (TRACK-002, TRACK-003)."""
    tracked = [s for s in state.get_messages_by_id(message_id) if s.content.process_key is not None]
    if not tracked:
        raise HttpError(404, "NOT_FOUND", "There is no tracked message with this ID")
    sms = tracked[-1]
    response = ConversionResponse(process_key=sms.content.process_key)
    return OperationResult(response, (attrs.evolve(sms, conversions=sms.conversions + 1),))


def follow_link(request: HttpRequest, state: State) -> HttpResponse | None:
    """Count a click and redirect, if the path ends with the code of a link; needs no authorization.

    The path before the code depends on the baseUrl of the send request (TRACK-001).
    """
    link = state.links.get(request.path.rpartition("/")[2])
    if link is None or request.method != "GET":
        return None
    state.put([attrs.evolve(link, clicks=link.clicks + 1)])
    return HttpResponse(302, {"location": quote(link.url, safe=_URL)}, b"")
