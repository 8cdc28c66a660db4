"""Reading a whole response, compressed or not, within a limit."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPResponse, IncompleteRead, parse_headers

import urllib3
from urllib3.exceptions import DecodeError

from infobip_sms.errors import InvalidResponseError, Violation

from .messages import Response

MAX_RESPONSE_BYTES = 64 * 2**20
MAX_INTERIM = 100  # responses such as 100 and 103 before the final one
_READ_SIZE = 2**18
TOO_LARGE = Violation("", "a larger body", f"at most {MAX_RESPONSE_BYTES} bytes", "HTTP-003")

_TOO_MANY = Violation(
    "", "more", f"at most {MAX_INTERIM} interim responses, such as 103", "HTTP-003"
)


class ResponseTooLargeError(Exception):
    """The response has more than MAX_RESPONSE_BYTES, or too many interim ones before it."""

    def __init__(self, violation: Violation = TOO_LARGE) -> None:
        super().__init__()
        self.violation = violation


class FinalResponse(HTTPResponse):
    """The response after all interim ones, such as 103: http.client knows 100 alone, and takes others for it."""

    _interim = 0

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # of http.client
            self._interim += status < HTTPStatus.OK
            if self._interim > MAX_INTERIM:
                raise ResponseTooLargeError(_TOO_MANY)
            if not HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
                return version, status, reason
            parse_headers(self.fp)


def read_response(received: HTTPResponse) -> Response:
    """Read a whole response, but no more than MAX_RESPONSE_BYTES, compressed or not."""
    headers = _join_headers(received)
    try:
        declared = headers.get("content-length", "")
        _require_size(int(declared[:20]) if declared.isdecimal() else 0)
        chunks = (
            _read_compressed(received, headers)
            if "content-encoding" in headers
            else _read_plain(received)
        )
    except ResponseTooLargeError:
        received.close()
        raise InvalidResponseError((TOO_LARGE,), received.status, b"", headers) from None
    except BaseException:
        received.close()
        raise
    return Response(received.status, headers, chunks[0] if len(chunks) == 1 else b"".join(chunks))


def _join_headers(received: HTTPResponse) -> dict[str, str]:
    """Return the headers by their names in lower case; values of one name are joined."""
    headers: dict[str, str] = {}
    for name, value in received.headers.items():
        low = name.lower()
        headers[low] = f"{headers[low]}, {value}" if low in headers else value
    return headers


def _read_plain(received: HTTPResponse) -> list[bytes]:
    chunks: list[bytes] = []
    size = 0
    while chunk := received.read(_READ_SIZE):
        chunks.append(chunk)
        size += len(chunk)
        _require_size(size)
        if received.length == 0:
            break
    if received.length:
        raise IncompleteRead(b"", received.length)
    return chunks


def _read_compressed(received: HTTPResponse, headers: dict[str, str]) -> list[bytes]:
    response = urllib3.HTTPResponse(received, headers, received.status, preload_content=False)
    chunks: list[bytes] = []
    size = 0
    with suppress(DecodeError):  # a partly decoded body says no more than the status
        while chunk := response.read(_READ_SIZE, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            _require_size(size)
        return chunks
    response.close()
    return chunks


def _require_size(size: int) -> None:
    if size > MAX_RESPONSE_BYTES:
        raise ResponseTooLargeError
