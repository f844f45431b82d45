"""A request on its way: is all of it there?"""

from __future__ import annotations

import re

HEAD_BYTES_MAX = 64 * 1024
CHUNK_LINE_BYTES_MAX = 8 * 1024
TRAILER_BYTES_MAX = 8 * 1024
BODY_BYTES_MAX = 6 * 1024 * 1024
"""Above every route's limit: what says that it is larger is answered (413) without being read."""

_HEAD_END = b"\r\n\r\n"
# One pass over the head each: whoever sends it chooses what is in it.
_LENGTH = re.compile(rb"\r\ncontent-length:([^\r]*)\r\n", re.IGNORECASE)
_WHO = re.compile(rb"\r\nauthorization:([^\r]*)\r\n", re.IGNORECASE)
_WAITS = re.compile(rb"\r\nprefer:[^\r]*\bwait=", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_BLANKS = b" \t"


class Arriving:
    """What has come of a request so far."""

    def __init__(self) -> None:
        self.came = bytearray()
        self.expects_continue = False
        """Its body is held back until somebody says that it may come."""
        self._trailers_too_large = False
        self._body_at = -1
        self._chunk_at = -1
        self._ends_at = -1

    def take(self, data: bytes) -> None:
        """Add what came."""
        self.came += data

    @property
    def who(self) -> str:
        """Return whose token came with it; empty where none did."""
        found = _WHO.search(self.came, 0, self._body_at)
        return found[1].strip(_BLANKS).decode("latin-1") if found else ""

    @property
    def waits(self) -> bool:
        """Tell whether it asks to wait for an outcome, if its route lets it."""
        return _WAITS.search(self.came, 0, self._body_at) is not None

    @property
    def head_too_large(self) -> bool:
        """Tell whether the head does not end where a head of ours would."""
        return (len(self.came) if self._body_at < 0 else self._body_at) > HEAD_BYTES_MAX

    @property
    def fields_too_large(self) -> bool:
        """Tell whether head or trailers do not end where ours would; as of the last look."""
        return self.head_too_large or self._trailers_too_large

    @property
    def whole(self) -> bool:
        """Tell whether a thread would wait for nothing."""
        if self._body_at < 0 and not self._read_head():
            return False
        if self._chunk_at >= 0:
            self._read_chunks()
        return 0 <= self._ends_at <= len(self.came)

    @property
    def too_large(self) -> bool:
        """Tell whether chunks, however little is in each, came to more than we take."""
        return len(self.came) > HEAD_BYTES_MAX + BODY_BYTES_MAX

    def _read_head(self) -> bool:
        end = self.came.find(_HEAD_END)
        if end < 0:
            return False
        self._body_at = end + len(_HEAD_END)
        if self.head_too_large:
            return True
        head = bytes(self.came[: end + 2])
        if _CHUNKED.search(head):
            self._chunk_at = self._body_at
        else:
            self._ends_at = self._body_at + _length(head)
        self.expects_continue = _EXPECTS.search(head) is not None
        return True

    def _read_chunks(self) -> None:
        """Go on to the last chunk; what is none is left to the parser, which refuses it."""
        while self._ends_at < 0:
            line_end = self.came.find(b"\r\n", self._chunk_at)
            if line_end < 0:
                self._end_if_endless()
                return
            try:
                size = int(self.came[self._chunk_at : line_end].partition(b";")[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                self._ends_at = len(self.came)
            elif size == 0:
                # Trailers, or at once the empty line that ends them.
                end = self.came.find(_HEAD_END, line_end)
                # The parser would wait for as many of them as make a hundred heads.
                read = len(self.came) if end < 0 else end
                self._trailers_too_large = read - line_end > TRAILER_BYTES_MAX
                if end < 0:
                    return
                self._ends_at = end + len(_HEAD_END)
            else:
                after = line_end + 2 + size + 2
                if after > len(self.came):
                    return
                self._chunk_at = after

    def _end_if_endless(self) -> None:
        """Leave a size that does not end to the parser: each look at it would be at all of it."""
        if len(self.came) - self._chunk_at > CHUNK_LINE_BYTES_MAX:
            self._ends_at = len(self.came)


def _length(head: bytes) -> int:
    """Return how long the body is that a thread would wait for.

    What is longer than we take is answered by its route without being read, what is no number by
    the parser: for neither is there anything to wait for.
    """
    lengths = [length.strip(_BLANKS) for length in _LENGTH.findall(head)]
    if not lengths or not lengths[0].isdigit():
        return 0
    digits = lengths[0].lstrip(b"0") or b"0"
    length = int(digits) if len(digits) < 18 else BODY_BYTES_MAX + 1
    return length if length <= BODY_BYTES_MAX else 0
