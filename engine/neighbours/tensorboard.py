"""TensorBoard event files: TFRecords of event messages, written by hand. No torch here.

TensorBoard's own writer comes with a web server and gRPC, and tensorboardX with protobuf, for a checksum and a few messages
(tensorboard/compat/proto/event.proto). All functions return whole records, to be appended to a file whose name must hold
``tfevents``. Values are float32 there.
"""

import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Literal

Status = Literal["success", "failure", "running"]
_VERSION = b"brain.Event:2"
_STATUSES: dict[Status, int] = {"success": 1, "failure": 2, "running": 3}
_DT_FLOAT, _DT_STRING = 1, 7
_SESSION_START = 1
_LARGEST = 3.4028234663852886e38


def file_name(wall: float, name: str) -> str:
    """Of a file that begins at ``wall`` (seconds since 1970); those of a folder are read in the order of their names."""
    return f"events.out.tfevents.{int(wall):010d}.{name}"


def head(wall: float) -> bytes:
    """The first record of every file."""
    return _event(wall, 0, _bytes(3, _VERSION))


def restart(step: int, wall: float) -> bytes:
    """From ``step`` on it was trained again: what stands before this record with such steps no longer counts."""
    return _event(wall, step, _bytes(7, _number(1, _SESSION_START)))


def scalars(values: Mapping[str, float | None], step: int, wall: float, prefix: str) -> bytes:
    """Numbers after ``step`` steps, under ``prefix/name``; what is None is left out."""
    told = {f"{prefix}/{name}": value for name, value in values.items() if value is not None}
    packed = [_bytes(1, _text(1, tag) + _float(2, value)) for tag, value in told.items()]
    return _event(wall, step, _bytes(5, b"".join(packed))) if packed else b""


def outcome(valid: Mapping[str, float | None], test: Mapping[str, float | None], step: int, wall: float) -> bytes:
    """What counts in the end: validation as it was chosen, and the test."""
    return scalars(valid, step, wall, "chosen/valid") + scalars(test, step, wall, "test")


def description(spec: Mapping[str, Any], name: str, wall: float) -> bytes:
    """The spec of a run called ``name``, to be read and as hyperparameters."""
    shown = "".join(f"    {line}\n" for line in json.dumps(spec, indent=2, ensure_ascii=False).splitlines())
    return text("spec", shown, wall) + settings(spec, name, wall)


def text(tag: str, markdown: str, wall: float) -> bytes:
    """A text, shown as Markdown."""
    tensor = _number(1, _DT_STRING) + _bytes(2, _bytes(2, _number(1, 1))) + _text(8, markdown)
    return _event(wall, 0, _bytes(5, _bytes(1, _text(1, f"{tag}/text_summary") + _bytes(8, tensor) + _bytes(9, _plugin("text")))))


def settings(values: Mapping[str, Any], name: str, wall: float) -> bytes:
    """The settings of a run called ``name``, nested or flat, for the page of hyperparameters."""
    pairs = (_bytes(1, _text(1, path) + _bytes(2, _json_value(value))) for path, value in flat(values))
    return _hparams("_hparams_/session_start_info", 3, b"".join(pairs) + _text(4, name) + _double(5, wall), wall)


def end(status: Status, wall: float) -> bytes:
    """How it ended, for the same page."""
    return _hparams("_hparams_/session_end_info", 4, _number(1, _STATUSES[status]) + _double(2, wall), wall)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted path."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _hparams(tag: str, field: int, content: bytes, wall: float) -> bytes:
    nothing = _number(1, _DT_FLOAT) + _bytes(2, _bytes(2, b""))  # a tensor without elements: all is in the content
    plugin = _plugin("hparams", _bytes(field, content))
    return _event(wall, 0, _bytes(5, _bytes(1, _text(1, tag) + _bytes(8, nothing) + _bytes(9, plugin))))


def _plugin(name: str, content: bytes = b"") -> bytes:
    return _bytes(1, _text(1, name) + (_bytes(2, content) if content else b""))


def _json_value(value: Any) -> bytes:
    """As google.protobuf.Value: a number, a text or a yes or no; everything else as text."""
    if isinstance(value, bool):
        return _number(4, int(value))
    if isinstance(value, int | float):
        return _double(2, value)
    return _text(3, "none" if value is None else value if isinstance(value, str) else str(value))


def _event(wall: float, step: int, what: bytes) -> bytes:
    message = _double(1, wall) + _number(2, step) + what
    length = struct.pack("<Q", len(message))
    return length + _masked(length) + message + _masked(message)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    if math.isfinite(value) and abs(value) > _LARGEST:
        value = math.copysign(math.inf, value)
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8", "replace"))


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


_CRC32C = tuple(_table())


def _masked(content: bytes) -> bytes:
    """CRC-32C, rotated and shifted as TFRecords want it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
