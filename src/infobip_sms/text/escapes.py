r"""Text in which every character can be seen.

Whatever could steer a terminal, or hide in a text without being seen, is written as ``\uXXXX``, as
JSON would write it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NOT_PLAIN = re.compile("[^ -~]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Printable to Unicode, and yet nothing is seen: joiners, fillers, selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0000-\U000e0fff]"
)


def escape(text: str) -> str:
    """Return a text as one line in which every character can be seen."""
    return _NOT_PLAIN.sub(lambda found: _show(found[0]), text)


@lru_cache(4096)
def _show(sign: str) -> str:
    """Return a character, or its escape if it is not seen: controls, formats, surrogates, private ones."""
    seen = sign.isprintable() or unicodedata.category(sign) == "Zs"
    if seen and not _INVISIBLE.match(sign):
        return sign
    units = sign.encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return _SHORT.get(sign) or "".join(f"\\u{pair}" for pair in pairs)
