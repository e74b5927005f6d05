"""Looking into images: what is in them, found by small models that ship or install with it.

Everything here is off until it is asked for, works without a network, and imports nothing before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.vision.boxes import Box, FoundBox
    from embeddings.vision.examination import Examination, Examined, Findings
    from embeddings.vision.faces import (
        FACE_MODEL,
        FaceMode,
        cover_faces,
        faceless_thumbnail,
        find_faces,
    )
    from embeddings.vision.shipped import INSTALL
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings.vision.boxes": ("Box", "FoundBox"),
            "embeddings.vision.examination": ("Examination", "Examined", "Findings"),
            "embeddings.vision.faces": (
                "FACE_MODEL",
                "FaceMode",
                "cover_faces",
                "faceless_thumbnail",
                "find_faces",
            ),
            "embeddings.vision.shipped": ("INSTALL",),
        },
    )

__all__ = [
    "FACE_MODEL",
    "INSTALL",
    "Box",
    "Examination",
    "Examined",
    "FaceMode",
    "Findings",
    "FoundBox",
    "cover_faces",
    "faceless_thumbnail",
    "find_faces",
]
