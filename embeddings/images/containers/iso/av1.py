"""AV1: the frame sizes that a bitstream declares, whatever the file around it says."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["frame_sizes"]

_SEQUENCE_HEADER = 1
# All that comes before the frame size, with 32 operating points of at most 91 bits each, fits.
_MAX_HEADER_BYTES = 512
# Variable-length codes with more leading zeros stand for one value and have no further bits (AV1
# bitstream specification, 4.10.3).
_UVLC_ZEROS = 32
# Levels above this one are followed by a tier bit (5.5.1, seq_level_idx).
_LEVEL_WITHOUT_TIER = 7
# A size field has at most eight bytes (4.10.5).
_LEB128_BYTES = 8


def frame_sizes(stream: bytes) -> Iterator[tuple[int, int]]:
    """Yield the (width, height) of every sequence header in a stream of OBUs (5.3).

    Raises:
        IndexError: The stream ends within a header.
    """
    at = 0
    while at < len(stream):
        head = stream[at]
        at += 2 if head & 4 else 1  # with the extension byte
        size = len(stream) - at
        if head & 2:  # obu_has_size_field
            size, at = _leb128(stream, at)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _size(stream[at : at + min(size, _MAX_HEADER_BYTES)])
        at += size


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; returns it and where it ends."""
    value = 0
    for place in range(_LEB128_BYTES):
        byte = stream[at + place]
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, at + place + 1


def _size(header: bytes) -> tuple[int, int]:
    """Read the largest frame of a sequence (5.5.1)."""
    bits = _Bits(header[:_MAX_HEADER_BYTES])
    bits.take(4)
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing_info_present_flag
        bits.take(64)
        if bits.take(1):  # equal_picture_interval
            bits.skip_uvlc()
        if bits.take(1):  # decoder_model_info_present_flag
            delay_bits = bits.take(5) + 1
            bits.take(42)
    initial_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > _LEVEL_WITHOUT_TIER:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if initial_delay and bits.take(1):
            bits.take(4)


class _Bits:
    """Reads numbers of any count of bits, the highest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError("the sequence header ends early")
        return self._value >> self._left & ((1 << count) - 1)

    def skip_uvlc(self) -> None:
        zeros = 0
        while not self.take(1):
            zeros += 1
        if zeros < _UVLC_ZEROS:
            self.take(zeros)
