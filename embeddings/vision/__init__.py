"""Looking into images: what is in them, found by small models that ship or install with it.

Everything here is off until it is asked for, works without a network, and imports nothing before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.vision.boxes import Box, FoundBox
    from embeddings.vision.examination import Examination, Examined, failing_alone
    from embeddings.vision.faces import (
        FACE_MODEL,
        FaceMode,
        cover_faces,
        faceless_thumbnail,
        find_faces,
    )
    from embeddings.vision.findings import Findings
    from embeddings.vision.items import (
        ITEM_MODEL,
        MOST_ITEMS,
        WHOLE,
        ItemCrops,
        crop_to,
        find_items,
    )
    from embeddings.vision.moderation import (
        UNSAFE_SCORE,
        UNSAFE_SKIN_SCORE,
        ModerationMode,
        check_moderation,
        shows_skin,
        unsafe_score,
    )
    from embeddings.vision.patches import check_patches, patch_features
    from embeddings.vision.reading import ReadLine, check_reading, read_text
    from embeddings.vision.shipped import INSTALL
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings.vision.boxes": ("Box", "FoundBox"),
            "embeddings.vision.examination": (
                "Examination",
                "Examined",
                "failing_alone",
            ),
            "embeddings.vision.faces": (
                "FACE_MODEL",
                "FaceMode",
                "cover_faces",
                "faceless_thumbnail",
                "find_faces",
            ),
            "embeddings.vision.findings": ("Findings",),
            "embeddings.vision.items": (
                "ITEM_MODEL",
                "MOST_ITEMS",
                "WHOLE",
                "ItemCrops",
                "crop_to",
                "find_items",
            ),
            "embeddings.vision.moderation": (
                "UNSAFE_SCORE",
                "UNSAFE_SKIN_SCORE",
                "ModerationMode",
                "check_moderation",
                "shows_skin",
                "unsafe_score",
            ),
            "embeddings.vision.patches": ("check_patches", "patch_features"),
            "embeddings.vision.reading": ("ReadLine", "check_reading", "read_text"),
            "embeddings.vision.shipped": ("INSTALL",),
        },
    )

__all__ = [
    "FACE_MODEL",
    "INSTALL",
    "ITEM_MODEL",
    "MOST_ITEMS",
    "UNSAFE_SCORE",
    "UNSAFE_SKIN_SCORE",
    "WHOLE",
    "Box",
    "Examination",
    "Examined",
    "FaceMode",
    "Findings",
    "FoundBox",
    "ItemCrops",
    "ModerationMode",
    "ReadLine",
    "check_moderation",
    "check_patches",
    "check_reading",
    "cover_faces",
    "crop_to",
    "faceless_thumbnail",
    "failing_alone",
    "find_faces",
    "find_items",
    "patch_features",
    "read_text",
    "shows_skin",
    "unsafe_score",
]
