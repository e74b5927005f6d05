"""Examination of images: which detectors look at an image, and what they leave and find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from PIL import Image

from embeddings.errors import BrokenImageError, LookalikeError, PictureRefusedError
from embeddings.images import make_thumbnail
from embeddings.vision.faces import FACE_MODEL, FaceMode, cover_faces, faceless_thumbnail
from embeddings.vision.findings import Findings
from embeddings.vision.moderation import (
    UNSAFE_SCORE,
    ModerationMode,
    check_moderation,
    unsafe_score,
)
from embeddings.vision.reading import READABLE_SIDE, check_reading, read_text

__all__ = ["Examination", "Examined", "failing_alone"]


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
        moderation: What is done about images not fit to show; None likewise, and else OFF.
        text: Whether text is read; None likewise, and else not.
    """

    faces: FaceMode | None = None
    moderation: ModerationMode | None = None
    text: bool | None = None

    @property
    def key(self) -> str:
        """A text that differs where the same image would be stored differently; empty for nothing.

        `from_key` reads it.
        """
        wanted = {}
        if self.looks_for_faces:
            wanted["faces"] = str(self.faces)
        if self.moderates:
            wanted["moderate"] = str(self.moderation)
        if self.text:
            wanted["text"] = "on"
        return " ".join(f"{name}={value}" for name, value in wanted.items())

    @classmethod
    def from_key(cls, key: str) -> Self:
        """Return the examination of a key; what this version does not know is left out."""
        pairs = (pair.partition("=") for pair in key.split())
        wanted = {name: value for name, _, value in pairs}
        faces, moderation = wanted.get("faces"), wanted.get("moderate")
        return cls(
            faces=FaceMode(faces) if faces in list(FaceMode) else None,
            moderation=ModerationMode(moderation) if moderation in list(ModerationMode) else None,
            text=True if wanted.get("text") == "on" else None,
        )

    def completed(self, former: Examination) -> Examination:
        """Return it with the former examination's choices where this one makes none."""
        return Examination(
            faces=former.faces if self.faces is None else self.faces,
            moderation=former.moderation if self.moderation is None else self.moderation,
            text=former.text if self.text is None else self.text,
        )

    def check(self) -> None:
        """Check that everything that it needs is installed.

        Raises:
            VisionUnavailableError: Something is missing.
        """
        if self.looks_for_faces:
            FACE_MODEL.runtime()
        if self.moderates:
            check_moderation()
        if self.text:
            check_reading()

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
            PictureRefusedError: It may not be fit to show, and such images are held back.
        """
        with failing_alone():
            if self.moderation is ModerationMode.HOLD and unsafe_score(image) >= UNSAFE_SCORE:
                raise PictureRefusedError(
                    "The picture was refused, since it may not be fit to show; send another one."
                )
            return cover_faces(image, fill=True)[0] if self.faces is FaceMode.DROP else image

    @property
    def looks_for_faces(self) -> bool:
        """Whether faces are looked for, and covered."""
        return self.faces in {FaceMode.BLUR, FaceMode.DROP}

    @property
    def moderates(self) -> bool:
        """Whether images are looked at that may not be fit to show."""
        return self.moderation in {ModerationMode.REPORT, ModerationMode.HOLD}

    @property
    def least_side(self) -> int:
        """The shorter side, in pixels, that it needs of an image."""
        return READABLE_SIDE if self.text else 1

    def _examined(self, image: Image.Image) -> Examined:
        shown, encoded, faces = image, image, None
        if self.looks_for_faces:
            shown, found = cover_faces(image)
            faces = tuple(found)
        if faces and self.faces is FaceMode.DROP:
            encoded, _ = cover_faces(image, fill=True)
        unsafe = unsafe_score(image) if self.moderates else None
        lines = tuple(read_text(image)) if self.text else None
        return Examined(shown, encoded, Findings(self.key, faces, unsafe, lines))


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
