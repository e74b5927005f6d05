"""The names of ImageNet's classes: what the general branch says, and the text tower keeps apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from open_clip.transformer import TextTransformer
from torch import Tensor
from torch.nn import functional

from scripts.training.model.text_tower import encode, tokenize

__all__ = ["ClassNames"]


class ClassNames:
    """Every class with its WordNet lemmas, the commonest first.

    Args:
        names: Lemmas of each class, in the classifier's order.
    """

    def __init__(self, names: Sequence[Sequence[str]]) -> None:
        self._names = names
        first = [lemmas[0] for lemmas in names]
        others = [lemmas[min(1, len(lemmas) - 1)] for lemmas in names]
        self._tokens = tokenize([*first, *(f"a photo of a {name}" for name in first), *others])

    def vectors(self, tower: TextTransformer) -> Tensor:
        """One unit vector a class, `[classes, dim]`; its commonest name counts most."""
        with torch.inference_mode():
            bare, asked, other = encode(tower, self._tokens).chunk(3)
        return functional.normalize(2 * bare + asked + other, dim=1).clone()

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, list[str]]:
        """Distinct classes `[count]`, and a name for each."""
        classes = rng.choice(len(self._names), count, replace=False)
        texts = []
        for label in classes:
            lemmas = self._names[label]
            first = len(lemmas) == 1 or rng.random() < 0.6
            name = lemmas[0] if first else lemmas[int(rng.integers(1, len(lemmas)))]
            texts.append(name if rng.random() < 0.7 else f"a photo of a {name}")
        return torch.from_numpy(classes), texts
