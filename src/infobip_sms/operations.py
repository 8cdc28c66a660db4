"""The operations of the API, one method each, over whatever carries a call to a server.

Lives here: what each operation takes and gives.
Never here: connections (client.py), what stands on the wire (exchange.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from .exchange import build_send, read_send

if TYPE_CHECKING:
    from infobip_sms_schema import SmsRequest, SmsResponse

    from .exchange import Auth, Call, Reply
    from .media import Wire


class Operations(ABC):
    """Every operation of the API as a method."""

    def __init__(self, auth: Auth, wire: Wire) -> None:
        self._auth = auth
        self._wire: Wire = wire

    @abstractmethod
    def _exchange(self, call: Call, timeout: float | None) -> Reply:
        """Carry a call to the server and return its reply; raise NoAnswer or BadReply."""

    def send(
        self,
        request: SmsRequest,
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> SmsResponse:
        """Send a bulk of messages: POST /sms/2/text/advanced.

        Returns one entry per destination, in the order of the request; ``raw`` holds the bytes of
        the reply. Raises RequestRefused before anything is sent, NoAnswer, Rejected or BadReply.
        It is never repeated by itself: the platform has no idempotency key.
        """
        chosen = wire or self._wire
        call = build_send(request, chosen, self._auth)
        return read_send(self._exchange(call, timeout), chosen)
