"""Options of a fit of tags."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FitOptions"]


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Attributes:
        precision: The share of a group's given labels that should be right, 0 to 1. Its labels'
            common threshold is the lowest that reaches it.
        label_precision: The same for each label alone, as far as its examples tell.
        least: Labels with fewer examples keep the prototype of their words.
        strength: How far examples may move a label from its words: the variance of the normal
            prior of each weight that is added.
        steps: The most iterations of the optimiser.
        negatives: How many images without a product are drawn, to learn to give them no label.
        seed: Of all random choices.
    """

    precision: float = 0.88
    label_precision: float = 0.75
    least: int = 4
    strength: float = 3.0
    steps: int = 300
    negatives: int = 240
    seed: int = 0
