"""The one file of a parser process, read in pieces through its pipe; and what it says when it cannot go on."""

from __future__ import annotations

import io
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from storage.parsing import frames

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READING: Final = 0
WRITING: Final = 1

_BLOCK_BYTES: Final = 256 * 1024
_BLOCKS_KEPT: Final = 64


class Cannot(Exception):
    """The file cannot be shown; ``reason`` is one of ``vault.previews.Unreadable``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PipedFile(io.RawIOBase):
    """A file of known length, whose blocks are asked for when they are needed; the last ones stay in memory."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self.size_bytes = size_bytes
        self._at = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self.size_bytes - self._at))
        done = 0
        while done < wanted:
            number, offset = divmod(self._at + done, _BLOCK_BYTES)
            piece = self._block(number)[offset : offset + wanted - done]
            view[done : done + len(piece)] = piece
            done += len(piece)
        self._at += done
        return done

    def head(self, most: int) -> bytes:
        """The first bytes, at most so many."""
        self.seek(0)
        pieces, left = [], most
        while left > 0:
            piece = self.read(left)
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            start = number * _BLOCK_BYTES
            length = min(_BLOCK_BYTES, self.size_bytes - start)
            write_whole(frames.READ + frames.PIECE.pack(start, length))
            block = read_exactly(length)
            self._blocks[number] = block
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block


def read_exactly(count: int) -> bytes:
    """So many bytes of the pipe; ends the process when nobody is at its other end any more."""
    pieces, missing = [], count
    while missing > 0:
        piece = os.read(READING, missing)
        if not piece:
            os._exit(2)
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def write_whole(told: bytes) -> None:
    """All of it into the pipe."""
    view = memoryview(told)
    while view:
        view = view[os.write(WRITING, view) :]
