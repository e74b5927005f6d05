"""Names of ImageNet's classes as texts: vectors for the general branch, draws for training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from open_clip.transformer import TextTransformer
from torch import Tensor
from torch.nn import functional

from scripts.training.model.text_tower import encode, tokenize

__all__ = ["ClassNames"]
# Shares of draws that take the first name of a class, and a name without a prompt.
_FIRST_NAME, _BARE_NAME = 0.6, 0.7


class ClassNames:
    """All classes with their WordNet lemmas, the most common first.

    Args:
        names: Lemmas of each class, in the classifier's order.
    """

    def __init__(self, names: Sequence[Sequence[str]]) -> None:
        self._names = names
        first = [lemmas[0] for lemmas in names]
        others = [lemmas[min(1, len(lemmas) - 1)] for lemmas in names]
        self._tokens = tokenize([*first, *(f"a photo of a {name}" for name in first), *others])

    def vectors(self, tower: TextTransformer) -> Tensor:
        """Return unit vectors `[classes, dim]`; the most common name of a class counts most."""
        with torch.inference_mode():
            bare, prompt, other = encode(tower, self._tokens).chunk(3)
        return functional.normalize(2 * bare + prompt + other, dim=1).clone()

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, list[str]]:
        """Draw distinct classes `[count]`, and a name for each."""
        classes = rng.choice(len(self._names), count, replace=False)
        texts = []
        for label in classes:
            lemmas = self._names[label]
            first = len(lemmas) == 1 or rng.random() < _FIRST_NAME
            name = lemmas[0] if first else lemmas[int(rng.integers(1, len(lemmas)))]
            texts.append(name if rng.random() < _BARE_NAME else f"a photo of a {name}")
        return torch.from_numpy(classes), texts
