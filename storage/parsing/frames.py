"""What is said between the application and a parser process, over two pipes.

    to the parser:    length:u32 | order (JSON)            then, to each READ, exactly the bytes that it asked for
    from the parser:  "R" | offset:u64 | length:u32        READ: a piece of the one file that it was given
                      "D" | facts:u32 | body:u32 | facts (JSON) | body          DONE
                      "N" | facts:u32 | 0:u32 | facts (JSON)                    it cannot be done, and why

Rule 1: the application believes nothing of what comes: lengths are bounded before anything is read, READs lie within
the file, facts are looked at one by one.
Rule 2: a parser is given one file, in pieces that it asks for; it never learns a name, a record or a person.
"""

from __future__ import annotations

import struct
from typing import Final

FACTS_BYTES_MAX: Final = 64 * 1024
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
READ_BYTES_MAX: Final = 4 * 1024 * 1024

READ: Final = b"R"
DONE: Final = b"D"
CANNOT: Final = b"N"

LENGTH: Final = struct.Struct(">I")
PIECE: Final = struct.Struct(">QI")
RESULT: Final = struct.Struct(">II")
