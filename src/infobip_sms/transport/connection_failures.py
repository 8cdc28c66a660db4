"""Why a connection could not be made, or was lost, in words that quote neither a request nor a certificate."""

from __future__ import annotations

import re
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING

import attrs

from .retry import AttemptFailure

if TYPE_CHECKING:
    from .urls import Address

_NO_CONNECTION = AttemptFailure("the connection failed", "no", "unprocessed")
_CONNECT_TIMEOUT = AttemptFailure("connecting timed out", "no", "unprocessed")
_NO_TLS = AttemptFailure("the TLS handshake failed", "no", "unprocessed")
_UNTRUSTED = AttemptFailure("TLS certificate verification failed", "no", "final")
_PROXY_REJECTED = AttemptFailure("the proxy rejected the request", "no", "final")
_CONNECT_REASONS: dict[type[Exception], str] = {
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection reset",
    socket.gaierror: "host name not known",
}
_NO_TLS_SPOKEN = "the server does not speak TLS on this port; is its URL http://?"
_NO_TLS_REASONS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
_CERTIFICATE_REASONS = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: "the certificate is signed by an unknown authority",
    62: "the certificate is for another host name",
    64: "the certificate is for another host name",
    20: "the certificate is signed by an unknown authority",
}
_CONNECTION_BROKEN = AttemptFailure("the connection was lost", "maybe", "broken")
_NO_HTTP = "the server does not speak HTTP on this port"
_BROKEN_REASONS: dict[type[Exception], str] = {
    RemoteDisconnected: "the server closed it without a response",
    ConnectionResetError: "connection reset",
    BadStatusLine: _NO_HTTP,
    IncompleteRead: "the response was cut off",
}


def classify_connect_error(error: Exception, proxy: Address | None) -> AttemptFailure:
    """Return the failure of an attempt that could not connect."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain(_UNTRUSTED, _describe_certificate_error(error), error)
    if isinstance(error, ssl.SSLError):
        return _explain(_NO_TLS, _NO_TLS_SPOKEN if error.reason in _NO_TLS_REASONS else "", error)
    tunnel = re.search(r"Tunnel connection failed: ([0-9]{3})\b", str(error))
    failure = _NO_CONNECTION
    if isinstance(error, TimeoutError):
        failure = _CONNECT_TIMEOUT
    elif tunnel and tunnel[1].startswith("4"):
        failure = _PROXY_REJECTED
    known = next((text for kind, text in _CONNECT_REASONS.items() if isinstance(error, kind)), "")
    failure = _explain(failure, f"HTTP {tunnel[1]}" if tunnel else known, error if known else None)
    via = f"{failure.outcome} (proxy {proxy.netloc})" if proxy else failure.outcome
    return attrs.evolve(failure, outcome=via)


def classify_broken(error: Exception, scheme: str) -> AttemptFailure:
    """Say how a connection was lost; only errors of the system are kept: others quote the response."""
    cause = error if isinstance(error, OSError) else None
    reason = next((text for kind, text in _BROKEN_REASONS.items() if isinstance(error, kind)), "")
    if reason == _NO_HTTP and scheme == "http":
        reason += "; is its URL https://?"
    return _explain(_CONNECTION_BROKEN, reason, cause)


def _explain(failure: AttemptFailure, reason: str, cause: Exception | None) -> AttemptFailure:
    outcome = f"{failure.outcome}: {reason}" if reason else failure.outcome
    return attrs.evolve(failure, outcome=outcome, cause=cause)


def _describe_certificate_error(error: ssl.SSLCertVerificationError) -> str:
    """Describe what is wrong in our own words: OpenSSL's may quote the certificate."""
    return _CERTIFICATE_REASONS.get(error.verify_code, "the certificate is not trusted")
