"""Names of segments: sortable by time, unique without asking anybody."""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
ULID_OR_TMP = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}(\.tmp)?")


def new_ulid() -> str:
    """48 bits of milliseconds since 1970 and 80 random bits, as 26 letters (Crockford base 32).

    Source: github.com/ulid/spec.
    """
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
