"""The query code (查询码) of a case: what the department prints for the applicant, who asks with it how the case stands.

Derived from the tenant, the case's number and a key, and stored nowhere. 80 bits in 16 letters without those that are mistaken for
others, and a check letter, which finds any one letter mistyped and any two neighbours exchanged. Pure.
"""

import hmac
import re
from itertools import pairwise

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""32 of them, by value: no I, L, O and U."""
READ_AS = str.maketrans("ILO", "110")
SPACES = re.compile(r"[\s-]+")
LONGEST = 64
"""Characters of what somebody typed that are looked at."""
GROUPS = (0, 4, 8, 12, 17)


def query_code(key: bytes, tenant: str, case: str) -> str:
    """The code of a case, in groups: `7F3K-9QWE-RT2A-BCDEX`."""
    bits = int.from_bytes(hmac.digest(key, f"{tenant}|{case}".encode(), "sha256")[:10])
    letters = "".join(LETTERS[bits >> shift & 31] for shift in range(75, -1, -5))
    return grouped(letters + check_letter(letters))


def grouped(code: str) -> str:
    return "-".join(code[begin:end] for begin, end in pairwise(GROUPS))


def check_letter(letters: str) -> str:
    """The sum of αⁿ · value over GF(32): no two places weigh alike."""
    found = 0
    for letter in letters:
        found = times_alpha(found ^ LETTERS.index(letter))
    return LETTERS[found]


def times_alpha(value: int) -> int:
    """In GF(32) by x⁵ + x² + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 32 else value


def canonical(typed: str) -> str | None:
    """The 17 letters of a code as somebody typed it; None where it cannot be one."""
    letters = SPACES.sub("", typed[:LONGEST]).upper().translate(READ_AS)
    if len(letters) != 17 or any(letter not in LETTERS for letter in letters) or check_letter(letters[:16]) != letters[16]:
        return None
    return letters
