"""Model folders in ONNX: two towers, their weights, and a description that is checked first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from embeddings.errors import BrokenModelError, ModelUnavailableError
from embeddings.onnx.verified import Verified
from embeddings.preprocess import Preprocess, ResizeMode

__all__ = ["DESCRIPTION_FILE", "IMAGE_TOWER", "TEXT_TOWER", "ModelFolder", "TokenizerConfig"]

DESCRIPTION_FILE = "lookalike_model.json"
IMAGE_TOWER = "image.onnx"
"""Takes `pixels`, `[n, height, width, 3]` uint8; gives `vectors`, `[n, dim]` float32 unit rows.
Beside them `features`, `[n, features]` float32, where the description says that there are any."""
TEXT_TOWER = "text.onnx"
"""Takes `tokens`, `[n, context]` int64; gives `vectors`, `[n, dim]` float32 unit rows."""

_FORMAT = 1


@dataclass(frozen=True)
class TokenizerConfig:
    """How texts become tokens.

    Attributes:
        kind: `clip` for the byte-pair encoding of CLIP, `hub` for a `tokenizer.json`.
        context_length: Tokens of a text; longer texts are cut, shorter ones padded.
        clean: `lower`, `whitespace` or `canonicalize`, as open_clip's `clean`.
        pad_id: Fills up short texts.
        file: The `tokenizer.json` of the kind `hub`.
        zero_id: A token that is replaced by 0 afterwards; None for none.
    """

    kind: str
    context_length: int
    clean: str = "lower"
    pad_id: int = 0
    file: str | None = None
    zero_id: int | None = None


@dataclass(frozen=True)
class ModelFolder:
    """A model in ONNX on disk, as its description gives it.

    Attributes:
        path: The folder.
        fingerprint: That of the model it was made from (`EncoderSpec.fingerprint`).
        dim: Length of the vectors.
        logit_scale: The multiplier of cosines learned in training.
        preprocess: The resizing of images.
        tokenizer: How texts become tokens.
        files: SHA-256 (hex) of every other file, by name.
        quality_kept: By precision, the share of the labelled precision and recall of
            float32 that is kept; empty where it was not measured.
        features: Width of the image tower's second output; 0 where it has none.
    """

    path: Path
    fingerprint: str
    dim: int
    logit_scale: float
    preprocess: Preprocess
    tokenizer: TokenizerConfig
    files: Mapping[str, str]
    quality_kept: Mapping[str, float] = field(default_factory=dict)
    features: int = 0

    @classmethod
    def read(cls, path: Path) -> ModelFolder:
        """Read the description of a folder; its files are not opened yet.

        Raises:
            ModelUnavailableError: There is no such folder, or it has no description.
            BrokenModelError: The description is damaged, or of a later version.
        """
        if not path.is_dir():
            raise ModelUnavailableError(f"There is no model folder {str(path)!r}.")
        try:
            facts = json.loads((path / DESCRIPTION_FILE).read_bytes())
        except FileNotFoundError as error:
            raise ModelUnavailableError(
                f"{str(path)!r} is not an exported model: it has no {DESCRIPTION_FILE}. Make it "
                f"with: lookalike models export NAME --to {path}"
            ) from error
        except (OSError, ValueError) as error:
            raise _broken(path, f"{DESCRIPTION_FILE} can't be read ({error})") from error
        return cls._parse(path, facts)

    @classmethod
    def _parse(cls, path: Path, facts: Any) -> ModelFolder:
        try:
            if facts["format"] > _FORMAT:
                raise _broken(path, "it was exported by a later version of lookalike")
            resizing = facts["preprocess"]
            folder = cls(
                path=path,
                fingerprint=str(facts["fingerprint"]),
                dim=int(facts["dim"]),
                logit_scale=float(facts["logit_scale"]),
                preprocess=Preprocess(
                    size=(int(resizing["size"][0]), int(resizing["size"][1])),
                    mode=ResizeMode(resizing["mode"]),
                    interpolation=str(resizing["interpolation"]),
                    fill=int(resizing["fill"]),
                ),
                tokenizer=TokenizerConfig(**facts["tokenizer"]),
                files={str(name): str(digest) for name, digest in facts["files"].items()},
                quality_kept={str(k): float(v) for k, v in facts["quality_kept"].items()},
                features=int(facts.get("features", 0)),  # folders of version 0.2 have none
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise _broken(path, f"{DESCRIPTION_FILE} is damaged ({error!r})") from error
        if not {IMAGE_TOWER, TEXT_TOWER} <= folder.files.keys():
            raise _broken(path, f"{DESCRIPTION_FILE} does not list both towers")
        if any(Path(name).name != name for name in folder.files):
            raise _broken(path, f"{DESCRIPTION_FILE} names a file outside of the folder")
        return folder

    def write(self) -> None:
        """Write the description."""
        resizing = self.preprocess
        facts = {
            "format": _FORMAT,
            "fingerprint": self.fingerprint,
            "dim": self.dim,
            "logit_scale": self.logit_scale,
            "preprocess": {
                "size": list(resizing.size),
                "mode": str(resizing.mode),
                "interpolation": resizing.interpolation,
                "fill": resizing.fill,
            },
            "tokenizer": asdict(self.tokenizer),
            "files": dict(self.files),
            "quality_kept": dict(self.quality_kept),
            "features": self.features,
        }
        (self.path / DESCRIPTION_FILE).write_text(json.dumps(facts, indent=1) + "\n")

    def verify(self, verified: Verified) -> None:
        """Compare every file with its SHA-256, before a runtime parses it.

        Args:
            verified: Remembers which large files were compared before.

        Raises:
            BrokenModelError: A file is missing, or is not the one that was exported.
        """
        for name, digest in self.files.items():
            file = self.path / name
            try:
                same = verified.matches(file, digest)
            except OSError as error:
                raise _broken(self.path, f"{name} can't be read ({error.strerror})") from error
            if not same:
                raise _broken(self.path, f"{name} is not the file that was exported")

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the digests of all files: the identity of this export."""
        return hashlib.sha256(json.dumps(dict(self.files), sort_keys=True).encode()).hexdigest()


def _broken(path: Path, problem: str) -> BrokenModelError:
    return BrokenModelError(
        f"The model folder {str(path)!r} can't be used: {problem}. Export it again, or copy the "
        "whole folder again; delete it if it lies in the cache; reinstall lookalike for 'compact'."
    )
