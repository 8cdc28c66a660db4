"""The operations of the API, one method each."""

from __future__ import annotations

import logging
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

import attrs
from infobip_sms_schema import (
    BulkRequest,
    BulkStatusRequest,
    Destination,
    FetchDeliveryReportsParameters,
    GetLogsParameters,
    GetScheduledParameters,
    GetScheduledStatusParameters,
    Message,
    MessageV1,
    PreviewRequest,
    RecordConversionParameters,
    RescheduleParameters,
    SetScheduledStatusParameters,
    SmsRequest,
    SmsRequestV1,
)
from infobip_sms_schema import operations as contract

from .arguments import hint, require_one_text, to_request
from .exchange import build_request, find_extra_names, get_only_entry, parse_response

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from infobip_sms_schema import (
        BulkResponse,
        BulkStatus,
        BulkStatusResponse,
        ConversionResponse,
        DeliveryReports,
        GeneralStatus,
        Language,
        LanguageCode,
        PreviewResponse,
        SmsLogs,
        SmsResponse,
        SmsResponseDetails,
        SmsResponseV1,
        Tracking,
        Transliteration,
    )

    from infobip_sms.send_many.options import OnUnknown
    from infobip_sms.send_many.outcomes import Outcome
    from infobip_sms.send_many.reconcile import Reconciled
    from infobip_sms.send_many.suppression import Dedupe, Skip
    from infobip_sms.transport.messages import Request, Response

    from .auth import Auth
    from .codecs import Wire, XmlOptions

_LOG = logging.getLogger("infobip_sms")
_V1_WARNING = "send_v1 uses the previous version of the endpoint (V1-001); use send instead"
_SEND_TEXT = 'For one text to one number write send_text("41793026727", "Hello", from_="InfoSMS").'
_MORE = "For anything else that a message can have, use send(Message(...))."
Model = TypeVar("Model", bound=attrs.AttrsInstance)


class Operations(ABC):
    """Every operation of the API as a method.

    Each takes ``wire`` (``"json"`` or ``"xml"``) and ``timeout`` (seconds) for this call alone, and
    raises InvalidRequestError before anything is sent, or TransportError, ApiError or
    InvalidResponseError. ``raw`` of the returned model holds the bytes of the response.
    """

    def __init__(self, auth: Auth, wire: Wire, xml: XmlOptions) -> None:
        self._auth = auth
        self._wire: Wire = wire
        self._xml = xml
        self._logged_extra: set[str] = set()

    @abstractmethod
    def _send_request(self, request: Request, timeout: float | None) -> Response:
        """Send a request and return its response; raise TransportError or InvalidResponseError."""

    @hint(
        'Write send_text("41793026727", "Hello", from_="InfoSMS").',
        **dict.fromkeys(["sender", "source", "from"], "The sender is from_."),
        **dict.fromkeys(["body", "message", "content"], "The text is text."),
        **dict.fromkeys(["number", "phone", "recipient"], "The number is to."),
        **dict.fromkeys(["status_callback", "callback"], "The callback URL is notify_url."),
        message_id="An ID of your own goes with the number: Destination(to, message_id=…).",
        **dict.fromkeys(["delivery_time_window", "transliteration", "intermediate_report"], _MORE),
        **dict.fromkeys(["bulk_id", "tracking"], "It is an argument of SmsRequest(messages=…)."),
    )
    def send_text(  # noqa: PLR0913 - what one text may have, each by its name
        self,
        to: str | Destination,
        text: str,
        *,
        from_: str | None = None,
        send_at: dt.datetime | None = None,
        validity_period: int | dt.timedelta | None = None,
        flash: bool | None = None,
        language: Language | LanguageCode | str | None = None,
        notify_url: str | None = None,
        callback_data: str | None = None,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> SmsResponseDetails:
        """Send a text to one phone number: POST /sms/2/text/advanced.

        to: one number in international format, such as ``41793026727``, or a Destination.
        from_: the sender that the recipient sees, 3 to 11 characters or 3 to 14 digits.
        send_at: when to send it, timezone-aware. validity_period: minutes, or a timedelta.
        flash: True shows it at once instead of storing it. language: ``"TR"``, ``"ES"`` or ``"PT"``.
        notify_url: receives the delivery report, with callback_data, at most 200 characters.

        Returns ``message_id``, ``status``, ``to`` and ``http`` of the message. For anything else that a message
        can have, and for several recipients, use ``send(Message(...))``.
        """
        require_one_text(to, text)
        message = Message(
            from_=from_,
            destinations=to if isinstance(to, Destination) else Destination(to),
            text=text,
            send_at=send_at,
            validity_period=validity_period,
            flash=flash,
            language=language,
            notify_url=notify_url,
            callback_data=callback_data,
        )
        return get_only_entry(self.send(message, wire=wire, timeout=timeout))

    @hint(f"{_SEND_TEXT} For more write send(Message(...)).")
    def send(
        self,
        request: SmsRequest | Message | Iterable[Message],
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> SmsResponse:
        """Send messages: POST /sms/2/text/advanced.

        request: a message, several messages, or an SmsRequest, which also has ``bulk_id`` and
            ``tracking``.

        Returns one entry per destination, in the order of the request. A request that may have been
        processed is not retried unless the client's ``retry`` says so: the API has no idempotency key.
        """
        return self._run(contract.SEND, wire, timeout, to_request(request, SmsRequest, Message))

    def send_v1(
        self,
        request: SmsRequestV1 | MessageV1 | Iterable[MessageV1],
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> SmsResponseV1:
        """Send messages with version 1 of the API: POST /sms/1/text/advanced.

        The validity period is in milliseconds (V1-003), and the response may count segments (V1-002).
        Warns with DeprecationWarning: Infobip calls it the previous version, still available (V1-001).
        """
        warnings.warn(_V1_WARNING, DeprecationWarning, stacklevel=2)
        return self._send_v1(request, wire, timeout)

    def _send_v1(
        self,
        request: SmsRequestV1 | MessageV1 | Iterable[MessageV1],
        wire: Wire | None,
        timeout: float | None,
    ) -> SmsResponseV1:
        body = to_request(request, SmsRequestV1, MessageV1)
        return self._run(contract.SEND_V1, wire, timeout, body)

    def send_many(  # noqa: PLR0913 - settings, each by its name
        self,
        messages: Iterable[Message],
        *,
        chunk: int = 100,
        concurrency: int = 4,
        on_unknown: OnUnknown = "report",
        journal: str | Path | None = None,
        tracking: Tracking | None = None,
        log_delay: float = 5.0,
        patience: float = 60.0,
        per_second: float | None = None,
        skip: Skip | None = None,
        dedupe: Dedupe = "warn",
    ) -> Generator[Outcome, None, None]:
        """Send any number of messages; yield an Outcome for each destination, in the input's order.

        Nothing is sent until you iterate. To stop, leave the loop or close the generator: what is under
        way is brought to its end, nothing new begins. Memory holds ``2 * concurrency`` requests.

        chunk: destinations for each request. concurrency: requests at a time.
        on_unknown: ``report`` what may have been accepted as unknown; ``reconcile`` it first, by the
            server's logs; ``resend`` what these do not know after ``log_delay`` seconds; ``stop``.
        journal: a file. Run again after any end, with it and the same input: what was accepted or rejected
            is not sent again; what may have been sent is reconciled, and sent again with ``resend`` only.
            JournalError if the input changed or the file cannot be used. tracking: with every request.
        patience: seconds to go on trying, beyond the client's ``retry``, while requests are certainly
            not processed: no connection, 429, 503 with Retry-After. After that nothing more is sent.
        per_second: destinations per second over all threads, evenly spaced, also in repeated requests;
            lookups do not count. A 429 halves the rate, which then comes back within seconds.
        skip: numbers that are never sent to (suppressed): a callable, numbers, or a file, one in a line.
        dedupe: ``"number"`` sends once to each number; ``"warn"`` warns at the end if one came twice.

        Raises ValueError for a bad option at once; what the input raises, when all before it is done.
        """
        from infobip_sms.send_many.options import SendManyOptions  # noqa: PLC0415 - a program that sends a message needs none of it
        from infobip_sms.send_many.pipeline import send_many  # noqa: PLC0415 - likewise

        usual = (chunk, concurrency, on_unknown, journal, tracking, log_delay, patience)
        return send_many(self, messages, SendManyOptions(*usual, per_second, skip, dedupe))

    def reconcile(
        self, message_ids: Iterable[str], *, reports: bool = False
    ) -> Iterator[Reconciled]:
        """Look up the status of messages by ID: GET /sms/1/logs, many IDs per request.

        Yields a result for each ID, in order. An ID that is not found is ``unknown``: older than the 48
        hours of the logs (LOG-001), not in them yet, or never accepted.

        reports: also look up IDs missing from the logs with GET /sms/1/reports, one request for each.
            Each report is returned only once (DLR-007): it is in this result and nowhere else.

        Raises TransportError, ApiError or InvalidResponseError; results yielded before remain valid.
        """
        from infobip_sms.send_many.reconcile import reconcile  # noqa: PLC0415 - a program that sends needs none of it

        return reconcile(self, message_ids, reports=reports)

    def fetch_delivery_reports(
        self,
        *,
        bulk_id: str | None = None,
        message_id: str | None = None,
        limit: int | None = None,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> DeliveryReports:
        """Fetch new delivery reports: GET /sms/1/reports. Each is returned only once (DLR-007).

        limit: 1 to 1000, default 50 (DLR-008). If a response is lost, so are its reports; ``get_logs``
        still has the messages for 48 hours. Reports that cannot be read are described in ``unreadable``.
        """
        parameters = FetchDeliveryReportsParameters(
            bulk_id=bulk_id, message_id=message_id, limit=limit
        )
        return self._run(contract.FETCH_DELIVERY_REPORTS, wire, timeout, parameters=parameters)

    def get_logs(  # noqa: PLR0913 - the documented filters
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        bulk_id: str | Iterable[str] = (),
        message_id: str | Iterable[str] = (),
        general_status: GeneralStatus | str | None = None,
        sent_since: dt.datetime | None = None,
        sent_until: dt.datetime | None = None,
        limit: int | None = None,
        mcc: str | None = None,
        mnc: str | None = None,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> SmsLogs:
        """Look up messages of the last 48 hours: GET /sms/1/logs. Safe to repeat (LOG-001).

        bulk_id, message_id: one or several (LOG-002). limit: 1 to 1000, default 50 (LOG-003).
        mcc, mnc: mobile country and network codes, as digits; ``mnc`` requires ``mcc`` (LOG-005).
        """
        parameters = GetLogsParameters(
            from_=from_,
            to=to,
            bulk_id=_to_list(bulk_id),
            message_id=_to_list(message_id),
            general_status=general_status,
            sent_since=sent_since,
            sent_until=sent_until,
            limit=limit,
            mcc=mcc,
            mnc=mnc,
        )
        return self._run(contract.GET_LOGS, wire, timeout, parameters=parameters)

    @hint('Write preview("Hello", language_code="TR").', language="The language is language_code.")
    def preview(
        self,
        text: str,
        *,
        language_code: LanguageCode | str | None = None,
        transliteration: Transliteration | str | None = None,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> PreviewResponse:
        """Preview a text and its number of segments: POST /sms/1/preview. Sends no message.

        The first preview is the text unchanged; those of the requested configuration follow.
        ``count_segments`` computes the same locally.
        """
        request = PreviewRequest(
            text=text, language_code=language_code, transliteration=transliteration
        )
        return self._run(contract.PREVIEW, wire, timeout, request)

    def get_scheduled(
        self, bulk_id: str, *, wire: Wire | None = None, timeout: float | None = None
    ) -> BulkResponse:
        """Get the time of a scheduled bulk: GET /sms/1/bulks. ApiError with 404 if it is unknown."""
        parameters = GetScheduledParameters(bulk_id=bulk_id)
        return self._run(contract.GET_SCHEDULED, wire, timeout, parameters=parameters)

    def reschedule(
        self,
        bulk_id: str,
        send_at: dt.datetime,
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> BulkResponse:
        """Reschedule a bulk: PUT /sms/1/bulks.

        send_at: the new time; must be timezone-aware.

        Only possible if its request had a single message and its own bulk ID (BULK-005).
        """
        request, parameters = BulkRequest(send_at=send_at), RescheduleParameters(bulk_id=bulk_id)
        return self._run(contract.RESCHEDULE, wire, timeout, request, parameters)

    def get_scheduled_status(
        self, bulk_id: str, *, wire: Wire | None = None, timeout: float | None = None
    ) -> BulkStatusResponse:
        """Get the status of a scheduled bulk: GET /sms/1/bulks/status."""
        parameters = GetScheduledStatusParameters(bulk_id=bulk_id)
        return self._run(contract.GET_SCHEDULED_STATUS, wire, timeout, parameters=parameters)

    def set_scheduled_status(
        self,
        bulk_id: str,
        status: BulkStatus | str,
        *,
        wire: Wire | None = None,
        timeout: float | None = None,
    ) -> BulkStatusResponse:
        """Pause, resume or cancel a scheduled bulk: PUT /sms/1/bulks/status (BULK-003, BULK-005)."""
        request = BulkStatusRequest(status=status)
        parameters = SetScheduledStatusParameters(bulk_id=bulk_id)
        return self._run(contract.SET_SCHEDULED_STATUS, wire, timeout, request, parameters)

    def record_conversion(
        self, message_id: str, *, wire: Wire | None = None, timeout: float | None = None
    ) -> ConversionResponse:
        """Record a conversion of a tracked message (TRACK-002): POST /ct/1/log/end/{messageId}.

        Raises ApiError with 404 if the message is not tracked.
        """
        parameters = RecordConversionParameters(message_id=message_id)
        return self._run(contract.RECORD_CONVERSION, wire, timeout, parameters=parameters)

    def _log_extra(self, body: object) -> None:
        """Name each undocumented field once; its value is not logged."""
        names = [name for name in find_extra_names(body) if name not in self._logged_extra]
        self._logged_extra.update(names)
        if names:
            _LOG.warning(
                "sending fields that the documentation does not list: %s", ", ".join(names)
            )

    def _run(
        self,
        operation: contract.Operation[Model],
        wire: Wire | None,
        timeout: float | None,
        body: attrs.AttrsInstance | None = None,
        parameters: attrs.AttrsInstance | None = None,
    ) -> Model:
        chosen = wire or self._wire
        request = build_request(operation, chosen, self._auth, body, parameters, xml=self._xml)
        self._log_extra(body)
        response = self._send_request(request, timeout)
        return parse_response(operation, request, response, chosen, xml=self._xml)


def _to_list(values: str | Iterable[str]) -> list[str] | None:
    return ([values] if isinstance(values, str) else list(values)) or None
