"""What to do next, for each way in which a call can fail."""

from __future__ import annotations

_BASE_URL = "the base URL may be wrong"
_LOOK_UP = "Look the messages up (get_logs) before you send again."
_BY_STATUS = {
    400: "Correct the request.",
    401: "Check the API key (or user and password) and the base URL: a key belongs to one host.",
    403: "Check the scopes of the API key, and that the account may use this operation.",
    404: f"The server does not know this operation: {_BASE_URL}.",
    405: f"The server does not know this operation: {_BASE_URL}.",
    407: "Check the user and password in the proxy's URL.",
    408: "Try again.",
    413: "Send fewer messages in a request.",
    415: 'The server may know the other format only: try wire="xml" or wire="json".',
    429: "Send more slowly.",
}
_BY_REASON = {
    "proxy": "Check the proxy's URL, user and password, and that it may connect to the server.",
    "connection refused": "Check that the server is running, and the port of the base URL.",
    "connection failed: connection reset": "Check that the server is running; try again.",
    "host name not known": "Check the host name in the base URL, and the network.",
    "does not speak HTTP": "Check the scheme and port of the base URL.",
    "does not speak TLS": "Check the scheme and port of the base URL.",
    "another host name": "Check the host name in the base URL.",
    "has expired": "Check this machine's clock; otherwise the server needs a new certificate.",
    "not valid yet": "Check this machine's clock.",
    "self-signed": "If you trust the server, pass its certificate's file as ca.",
    "unknown authority": "If you trust the server, pass the authority's certificate file as ca.",
    "not trusted": "Check the base URL, or pass the file of the server's authority as ca.",
    "TLS handshake failed": "Check the scheme and port of the base URL; try again.",
    "connecting timed out": "Check the network, firewall and proxy, and the base URL.",
    "response timed out": "Allow more time with timeout=.",
    "connection failed": "Check the network and the base URL.",
}


def advise_rejection(status: int, method: str, path: str, retry_after: str, *, sent: bool) -> str:
    """Return what to do after a 4xx or 503.

    path: template of the operation's path. retry_after: the header's value, or an empty string.
    sent: whether the request may have been processed after all.
    """
    if sent:
        return _advise_repeat(method)
    wait = f" Retry-After: {retry_after}." if retry_after else ""
    if status == 404 and _has_id(path):  # noqa: PLR2004 - HTTP's own
        return f"Check the ID that you asked for; if it is right, {_BASE_URL}.{wait}"
    if status in _BY_STATUS:
        return _BY_STATUS[status] + wait
    return f"Try again later.{wait}" if status >= 500 else f"Correct the request.{wait}"  # noqa: PLR2004 - HTTP's own


def _has_id(path: str) -> bool:
    """Tell whether an operation is about one thing that may not exist."""
    from infobip_sms_schema import operations as contract  # noqa: PLC0415 - only errors need it

    about = (contract.GET_SCHEDULED, contract.GET_SCHEDULED_STATUS, contract.RECORD_CONVERSION)
    return path in {operation.path for operation in about}


def advise_failure(reason: str, method: str, *, sent: bool) -> str:
    """Return what to do after a failure of the network."""
    advice = next((text for part, text in _BY_REASON.items() if part in reason), "")
    return f"{advice} {_advise_repeat(method)}".strip() if sent else advice


def advise_invalid(status: int | None, method: str, body: bytes, location: str) -> str:
    """Return what to do after a response that is not of this API.

    location: where a redirect leads, or an empty string.
    """
    if status is not None and 300 <= status < 400:  # noqa: PLR2004 - HTTP's own
        where = f" to {location}" if location else ""
        return f"The server redirects{where}: {_BASE_URL}."
    if is_html(body) and (status is None or status < 500):  # noqa: PLR2004 - HTTP's own
        return f"The server responded with HTML: {_BASE_URL}, or a proxy or gateway responded."
    return _advise_repeat(method)


def is_html(body: bytes) -> bool:
    """Return whether a body is a page for a browser."""
    return body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _advise_repeat(method: str) -> str:
    return _LOOK_UP if method in {"", "POST"} else "Check the state before you repeat the call."
