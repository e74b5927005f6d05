"""Zero-shot classification: pictures against the caller's own labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.encoder import Encoder, FloatArray

__all__ = ["DEFAULT_TEMPLATES", "Tag", "ZeroShotClassifier"]

# A label is embedded in each of these sentences and the vectors are averaged: prompt ensembling,
# Radford et al. 2021, section 3.1.4.
DEFAULT_TEMPLATES: tuple[str, ...] = ("{}", "a photo of a {}", "a product photo of {}")


@dataclass(frozen=True)
class Tag:
    """A label given to a picture.

    Attributes:
        label: In the caller's words.
        group: The set of labels it was chosen from.
        confidence: Softmax probability among the labels of its group, 0 to 1.
    """

    label: str
    group: str
    confidence: float


class ZeroShotClassifier:
    """Scores pictures against one group of labels, of which one is taken to be true.

    Labels are embedded once, at construction.
    """

    def __init__(
        self,
        encoder: Encoder,
        labels: Sequence[str],
        *,
        group: str = "label",
        templates: Sequence[str] = DEFAULT_TEMPLATES,
    ) -> None:
        if not labels:
            raise ValueError("at least one label is needed")
        self.labels = tuple(labels)
        self.group = group
        self._logit_scale = encoder.spec.logit_scale
        prompts = [template.format(label) for label in labels for template in templates]
        vectors = encoder.encode_texts(prompts).reshape(len(labels), len(templates), -1)
        means = vectors.mean(axis=1)
        self._prototypes: FloatArray = means / np.linalg.norm(means, axis=1, keepdims=True)

    def probabilities(self, vectors: FloatArray) -> FloatArray:
        """`[n, labels]` softmax probabilities of `[n, dim]` unit picture vectors."""
        logits = self._logit_scale * (vectors @ self._prototypes.T)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)

    def tag(self, vectors: FloatArray, top: int | None = None) -> list[list[Tag]]:
        """The `top` most probable labels (all by default) of each picture, best first."""
        tagged = []
        for row in self.probabilities(vectors):
            order = np.argsort(-row, kind="stable")[:top]
            tagged.append([Tag(self.labels[i], self.group, float(row[i])) for i in order])
        return tagged
