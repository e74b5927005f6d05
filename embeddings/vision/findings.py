"""Findings: what detectors found in one image, and its form in storage."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from embeddings.vision.boxes import FoundBox
from embeddings.vision.reading import ReadLine

__all__ = ["Findings"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one image.

    Attributes:
        key: `Examination.key` of what was looked for; empty for nothing.
        faces: The faces; None where none were looked for.
        unsafe: `unsafe_score` of the image; None where it was not looked at.
        lines: The text; None where it was not read.
    """

    key: str
    faces: tuple[FoundBox, ...] | None = None
    unsafe: float | None = None
    lines: tuple[ReadLine, ...] | None = None

    def to_json(self) -> str:
        """Return a text to store."""
        content: dict[str, Any] = {"key": self.key}
        if self.faces is not None:
            content["faces"] = [[*face.box, round(face.confidence, 3)] for face in self.faces]
        if self.unsafe is not None:
            content["unsafe"] = round(self.unsafe, 4)
        if self.lines is not None:
            content["lines"] = [[line.text, *line.box, line.confidence] for line in self.lines]
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; an empty text is an image that was not examined.

        Raises:
            ValueError: The text is another one.
        """
        content: dict[str, Any] = json.loads(text) if text else {"key": ""}
        try:
            faces = content.get("faces", [] if "faces=" in content["key"] else None)
            lines = content.get("lines")
            return cls(
                content["key"],
                None if faces is None else tuple(FoundBox(_box(row), row[4]) for row in faces),
                content.get("unsafe"),
                None
                if lines is None
                else tuple(ReadLine(row[0], _box(row[1:]), row[5]) for row in lines),
            )
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError("not the findings of an image") from error


def _box(row: list[float]) -> tuple[float, float, float, float]:
    return row[0], row[1], row[2], row[3]
