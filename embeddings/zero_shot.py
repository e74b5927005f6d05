"""Zero-shot classification: probabilities of the caller's own labels for images."""

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
    """A label predicted for an image.

    Attributes:
        label: As the caller wrote it.
        group: The name of the set of labels that it was chosen from.
        confidence: Softmax probability among the labels of its group, 0 to 1.
    """

    label: str
    group: str
    confidence: float


class ZeroShotClassifier:
    """Scores images against one group of labels, exactly one of which is assumed to be true.

    Labels are embedded once, at construction.

    Args:
        encoder: Embeds the labels; the images must have vectors of the same model.
        labels: At least one.
        group: The name of the set of labels.
        templates: Sentences with `{}` for the label.

    Raises:
        ValueError: There are no labels.
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
            raise ValueError("the list of labels is empty; give at least one label")
        self.labels = tuple(labels)
        self.group = group
        self._logit_scale = encoder.spec.logit_scale
        prompts = [template.format(label) for label in labels for template in templates]
        vectors = encoder.encode_texts(prompts).reshape(len(labels), len(templates), -1)
        means = vectors.mean(axis=1)
        self._prototypes: FloatArray = means / np.linalg.norm(means, axis=1, keepdims=True)

    def probabilities(self, vectors: FloatArray) -> FloatArray:
        """Return softmax probabilities `[n, labels]` for image vectors `[n, dim]` of length 1."""
        logits = self._logit_scale * (vectors @ self._prototypes.T)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)

    def tag(self, vectors: FloatArray, top: int | None = None) -> list[list[Tag]]:
        """Return the `top` most probable labels (default: all) of each image, best first."""
        tagged = []
        for row in self.probabilities(vectors):
            order = np.argsort(-row, kind="stable")[:top]
            tagged.append([Tag(self.labels[i], self.group, float(row[i])) for i in order])
        return tagged
