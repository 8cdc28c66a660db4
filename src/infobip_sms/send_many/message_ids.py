"""The messageIds that a run gives out, and the digests by which its journal knows destinations again."""

from __future__ import annotations

from hashlib import blake2b, sha1
from json.encoder import encode_basestring_ascii as _quote
from uuid import UUID, uuid4

DIGEST_SIZE = 2  # bytes of a destination and its content; what follows is of its messageId
ID_DIGEST_SIZE = 8


class MessageIds:
    """Gives out messageIds of ours: each a UUID made of the run's and the place."""

    def __init__(self, run_id: str | None = None) -> None:
        self._run_id = UUID(run_id) if run_id else uuid4()
        self._keyed = blake2b(digest_size=DIGEST_SIZE, key=self._run_id.bytes)
        self._keyed_id = blake2b(digest_size=ID_DIGEST_SIZE, key=self._run_id.bytes)

    def build_id(self, position: int) -> str:
        """Return the messageId of a place; 36 characters."""
        # as uuid5 of the standard library, which is slower
        name = self._run_id.bytes + str(position).encode()
        digits = sha1(name, usedforsecurity=False).hexdigest()
        variant = "89ab"[int(digits[16], 16) & 3]
        return (
            f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
        )

    def build_digest(self, content: str, number: str, message_id: str) -> bytes:
        """Return what is in the journal for a destination and its content, a quoted text: 12 bits."""
        digest = self._keyed.copy()
        quoted = f"[{content}, {_quote(number)}, {_quote(message_id)}]"
        digest.update(quoted.encode())
        first, second = digest.digest()
        return bytes([first, second & 0xF0])

    def build_id_digest(self, message_id: str) -> bytes:
        """Return what is in the journal for a messageId of the input: 64 bits, to find its reports."""
        text = message_id.encode("utf-8", "surrogatepass")
        digest = self._keyed_id.copy()
        digest.update(text)
        return digest.digest()
