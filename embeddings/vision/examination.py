"""Examination of images: which detectors look at an image, and what they leave and find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from PIL import Image

from embeddings.errors import BrokenImageError, LookalikeError
from embeddings.images import make_thumbnail
from embeddings.vision.boxes import FoundBox
from embeddings.vision.faces import FACE_MODEL, FaceMode, cover_faces, faceless_thumbnail

__all__ = ["Examination", "Examined", "Findings", "failing_alone"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in one image.

    Attributes:
        key: `Examination.key` of what was looked for.
        faces: The faces; empty where none was looked for.
    """

    key: str
    faces: tuple[FoundBox, ...] = ()

    @property
    def looked_for_faces(self) -> bool:
        """Whether faces were looked for, and covered."""
        return Examination.from_key(self.key).looks_for_faces

    def to_json(self) -> str:
        """Return a text to store."""
        content: dict[str, Any] = {"key": self.key}
        if self.faces:
            content["faces"] = [[*face.box, round(face.confidence, 3)] for face in self.faces]
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; an empty text is an image that was not examined.

        Raises:
            ValueError: The text is another one.
        """
        content: dict[str, Any] = json.loads(text) if text else {"key": ""}
        try:
            faces = tuple(
                FoundBox((left, top, right, bottom), confidence)
                for left, top, right, bottom, confidence in content.get("faces", ())
            )
            return cls(content["key"], faces)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not the findings of an image") from error


@dataclass(frozen=True, slots=True)
class Examined:
    """An image after its examination.

    Attributes:
        shown: What may be stored and shown.
        encoded: What the encoder sees, and what colours are measured on.
        findings: What was found; None where nothing was looked for.
    """

    shown: Image.Image
    encoded: Image.Image
    findings: Findings | None

    def thumbnail(self, longest: int) -> bytes:
        """Return a WebP thumbnail of what may be shown; arguments as for `make_thumbnail`."""
        if self.findings is not None and self.findings.faces:
            return faceless_thumbnail(self.shown, longest)
        return make_thumbnail(self.shown, longest)


@dataclass(frozen=True)
class Examination:
    """What to look for in images; picklable, and nothing by default.

    Attributes:
        faces: What is done about faces; None for what an index did before, and else KEEP.
    """

    faces: FaceMode | None = None

    @property
    def key(self) -> str:
        """A text that differs where the same image would be stored differently; empty for nothing.

        `from_key` reads it.
        """
        wanted = {}
        if self.looks_for_faces:
            wanted["faces"] = str(self.faces)
        return " ".join(f"{name}={value}" for name, value in wanted.items())

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Return the examination of a key; what this version does not know is left out."""
        pairs = (pair.partition("=") for pair in key.split())
        wanted = {name: value for name, _, value in pairs}
        faces = wanted.get("faces")
        return cls(faces=FaceMode(faces) if faces in list(FaceMode) else None)

    def completed(self, former: Examination) -> Examination:
        """Return it with the former examination's choices where this one makes none."""
        return Examination(faces=former.faces if self.faces is None else self.faces)

    def check(self) -> None:
        """Check that everything that it needs is installed.

        Raises:
            VisionUnavailableError: Something is missing.
        """
        if self.looks_for_faces:
            FACE_MODEL.runtime()

    def __call__(self, image: Image.Image) -> Examined:
        """Examine an RGB image.

        Raises:
            VisionUnavailableError: Something is not installed.
            BrokenModelError: A shipped model file is damaged.
            BrokenImageError: A detector failed at this image.
        """
        if not self.key:
            return Examined(image, image, None)
        with failing_alone():
            return self._examined(image)

    def encoded(self, image: Image.Image) -> Image.Image:
        """Return what the encoder may see of an image that is neither stored nor shown.

        Raises:
            LookalikeError: As for a call.
        """
        if self.faces is not FaceMode.DROP:
            return image
        with failing_alone():
            return cover_faces(image, fill=True)[0]

    @property
    def looks_for_faces(self) -> bool:
        """Whether faces are looked for, and covered."""
        return self.faces in {FaceMode.BLUR, FaceMode.DROP}

    def _examined(self, image: Image.Image) -> Examined:
        shown, faces = cover_faces(image)
        encoded = image
        if faces and self.faces is FaceMode.DROP:
            encoded, _ = cover_faces(image, fill=True)
        return Examined(shown, encoded, Findings(self.key, tuple(faces)))


@contextmanager
def failing_alone() -> Iterator[None]:
    """Turn the failure of a detector into an error of the image, which is then not stored unseen.

    Raises:
        BrokenImageError: A detector failed.
    """
    try:
        yield
    except LookalikeError:
        raise
    except Exception as error:
        raise BrokenImageError(
            f"A detector failed at this image ({type(error).__name__}). Re-save it (JPEG or PNG) "
            "and retry."
        ) from error
