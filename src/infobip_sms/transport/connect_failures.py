"""Why a connection could not be made, in words that quote neither a request nor a certificate."""

from __future__ import annotations

import re
import socket
import ssl

import attrs

from .retry import AttemptFailure

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


def classify_connect_error(error: Exception) -> AttemptFailure:
    """Return the failure of an attempt that could not connect."""
    tunnel = re.search(r"Tunnel connection failed: 4[0-9][0-9]\b", str(error))
    if isinstance(error, TimeoutError):
        return _CONNECT_TIMEOUT
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain(_UNTRUSTED, _describe_certificate_error(error), error)
    if isinstance(error, ssl.SSLError):
        return _explain(_NO_TLS, _NO_TLS_SPOKEN if error.reason in _NO_TLS_REASONS else "", error)
    if tunnel:
        return _PROXY_REJECTED
    reasons = {kind: text for kind, text in _CONNECT_REASONS.items() if isinstance(error, kind)}
    return _explain(_NO_CONNECTION, next(iter(reasons.values()), ""), error if reasons else None)


def _explain(failure: AttemptFailure, reason: str, cause: Exception | None) -> AttemptFailure:
    outcome = f"{failure.outcome}: {reason}" if reason else failure.outcome
    return attrs.evolve(failure, outcome=outcome, cause=cause)


def _describe_certificate_error(error: ssl.SSLCertVerificationError) -> str:
    """Describe what is wrong in our own words: OpenSSL's may quote the certificate."""
    return _CERTIFICATE_REASONS.get(error.verify_code, "the certificate is not trusted")
