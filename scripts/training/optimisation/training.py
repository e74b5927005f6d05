"""Training of the retail branch and the text tower together, on views of the images."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embeddings.clip import DIM
from scripts.support.progress import Progress
from scripts.training.data.batches import Portion, Sampler
from scripts.training.data.catalogs import GROCERY_PHOTOS, GROCERY_PRODUCTS
from scripts.training.model.class_names import ClassNames
from scripts.training.model.text_tower import (
    Corpus,
    cosine_rate,
    length_batches,
    parameter_groups,
    similarity_loss,
    tokenize,
)
from scripts.training.model.towers import Inputs, Towers
from scripts.training.model.views import View
from scripts.training.optimisation.objective import Queue, encode_sorted, portion_loss

__all__ = ["Plan", "Trainer", "Views", "train"]

# AdamW's epsilon for the trust of classes: gradients are about 1e-3 for common ones.
_TRUST_EPS = 1e-3
# Packshots of a step beside those of its photos.
_OTHER_PACKSHOTS = 8
# The greatest norm of the gradient.
_MAX_GRADIENT = 2.0

Views = dict[str, list[View]]


@dataclass(frozen=True)
class Plan:
    """Sizes and rates of the training.

    Attributes:
        steps: Batches.
        fashion: Fashion images in a batch.
        grocery: Shopper photos of groceries in a batch.
        clothing: Photos of clothes in a batch.
        drawings: Drawn products in a batch.
        names: ImageNet classes whose names are classified in a batch.
        queue: Fashion products of past steps that count as further answers.
        replay: General texts in a batch.
        branch_rate: Highest learning rate of the retail branch's convolutions.
        head_rate: Highest learning rate of the layers after them.
        trust_rate: Highest learning rate of the weight that each class gives to the retail branch.
        text_rate: Highest learning rate of the text tower.
        weights: Weights of the losses by name.
        refresh: Steps between two updates of the image tower's class names from the text tower.
        average: Decay of the moving average of all weights, which is exported.
        checkpoint: Steps between checkpoints.
        seed: The seed of everything that is drawn.
    """

    steps: int
    fashion: int = 400
    grocery: int = 64
    clothing: int = 56
    drawings: int = 96
    names: int = 96
    queue: int = 4096
    replay: int = 160
    branch_rate: float = 5e-4
    head_rate: float = 1.5e-3
    trust_rate: float = 1e-2
    text_rate: float = 4e-4
    weights: tuple[tuple[str, float], ...] = (
        ("fashion-train", 1.0),
        ("grocery-photos-train", 0.3),
        ("clothing-train", 0.3),
        ("drawings-train", 0.6),
        ("packshots", 0.3),
        ("names", 0.5),
        ("replay", 2.0),
    )
    refresh: int = 50
    average: float = 0.998
    checkpoint: int = 100
    seed: int = 0


def portions_of(sampler: Sampler, plan: Plan) -> list[Portion]:
    """Draw the portions of one step."""
    return [
        sampler.fashion(plan.fashion),
        sampler.grocery(plan.grocery),
        sampler.clothing(plan.clothing),
        sampler.drawings(plan.drawings),
    ]


def packshot_rows(portions: list[Portion], products: int) -> np.ndarray:
    """Return the products of the step's grocery photos, and eight others."""
    (photos,) = (portion for portion in portions if portion.name == GROCERY_PHOTOS)
    own = np.unique(photos.anchors[0].truth)
    others = np.setdiff1d(np.arange(products), own)
    start = int(photos.rows[0]) % max(1, len(others))
    return np.concatenate([own, np.roll(others, start)[:_OTHER_PACKSHOTS]])


class Trainer:
    """One training, in steps; the towers `averaged` are exported."""

    def __init__(
        self,
        towers: Towers,
        sampler: Sampler,
        views: Views,
        names: ClassNames,
        corpus: Corpus,
        plan: Plan,
    ) -> None:
        self.towers, self.plan, self.step_number = towers, plan, 0
        self._sampler, self._views = sampler, views
        self._names, self._corpus = names, corpus
        self._weights = dict(plan.weights)
        self.queue = Queue(sampler.fashion_codes, plan.queue, DIM)
        towers.requires_grad_(requires_grad=False)
        towers.text.requires_grad_(requires_grad=True)
        groups: list[dict[str, Any]] = [
            group | {"lr": plan.text_rate} for group in parameter_groups(towers.text)
        ]
        groups += [
            {"params": list(towers.branch()), "lr": plan.branch_rate, "weight_decay": 0.02},
            {"params": list(towers.head()), "lr": plan.head_rate, "weight_decay": 0.05},
            {
                "params": [towers.trunk.trust.weight],
                "lr": plan.trust_rate,
                "weight_decay": 0.0,
                # Classes that few products resemble keep their weight.
                "eps": _TRUST_EPS,
            },
            {"params": [towers.logit_scale], "lr": plan.head_rate, "weight_decay": 0.0},
        ]
        self._trained = [p for group in groups for p in group["params"]]
        for parameter in self._trained:
            parameter.requires_grad_(requires_grad=True)
        self._refresh_names()
        self.averaged = copy.deepcopy(towers).requires_grad_(requires_grad=False)
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        self._rates = [group["lr"] for group in self.optimizer.param_groups]

    def _refresh_names(self) -> None:
        with torch.no_grad():
            self.towers.trunk.names.weight.copy_(self._names.vectors(self.towers.text).T)

    def step(self) -> dict[str, float]:
        """Train on one batch; return the losses."""
        plan, towers, step = self.plan, self.towers, self.step_number
        factor = cosine_rate(step, plan.steps)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        if step % plan.refresh == 0:
            self._refresh_names()
        # All draws depend on the step alone, so that a resumed run equals an uninterrupted one.
        rng = np.random.default_rng([plan.seed, step])
        torch.manual_seed(int(rng.integers(2**31)))
        self._sampler.at(step)
        losses = self._losses(portions_of(self._sampler, plan), rng)
        self.optimizer.zero_grad()
        weighted = [self._weights[name] * loss for name, loss in losses.items()]
        torch.autograd.backward(torch.stack(weighted).sum())
        torch.nn.utils.clip_grad_norm_(self._trained, _MAX_GRADIENT)
        self.optimizer.step()
        self.step_number += 1
        self._update_average()
        shown = {name: loss.item() for name, loss in losses.items()}
        return shown | {"scale": towers.scale().item()}

    def _losses(self, portions: list[Portion], rng: np.random.Generator) -> dict[str, Tensor]:
        towers, plan = self.towers, self.plan
        chosen = packshot_rows(portions, len(self._views[GROCERY_PRODUCTS][0].features))
        rows = [(p.name, p.rows) for p in portions] + [(GROCERY_PRODUCTS, chosen)]
        images = towers.image_vectors(
            Inputs.concatenated([self._mixed(name, some, rng) for name, some in rows])
        )
        *blocks, packshots = torch.split(images, [len(numbers) for _, numbers in rows])
        classes, names = self._names.draw(plan.names, rng)
        texts = [text for portion in portions for text in _all_texts(portion)]
        replayed = torch.from_numpy(length_batches(self._corpus.lengths, plan.replay, rng))
        tokens = torch.cat([tokenize(texts + names), self._corpus.tokens[replayed]])
        vectors = encode_sorted(towers.text, tokens)
        scale = towers.scale()
        losses = {}
        start = 0
        for portion, block in zip(portions, blocks, strict=True):
            count = len(_all_texts(portion))
            own = vectors[start : start + count]
            past = self.queue if portion.captions else None
            losses[portion.name] = portion_loss(portion, block, own, scale, past)
            if portion.name == GROCERY_PHOTOS:
                truth = torch.from_numpy(
                    np.unique(portion.anchors[0].truth, return_inverse=True)[1]
                )
                losses["packshots"] = functional.cross_entropy(scale * block @ packshots.T, truth)
            start += count
        labels = functional.normalize(towers.trunk.names.weight.T, dim=1)
        named, replay = vectors[start : -plan.replay], vectors[-plan.replay :]
        losses["names"] = functional.cross_entropy(scale * named @ labels.T, classes)
        losses["replay"] = similarity_loss(replay, self._corpus.targets[replayed])
        return losses

    def _mixed(self, name: str, rows: np.ndarray, rng: np.random.Generator) -> Inputs:
        """Return rows of a set, each half of them from another view."""
        views = self._views[name]
        half = len(rows) // 2
        parts = [rows[:half], rows[half:]] if half else [rows]
        return Inputs.concatenated(
            [Inputs.of(views[int(rng.integers(len(views)))], p) for p in parts]
        )

    def _update_average(self) -> None:
        """Move the average one step towards the weights."""
        decay = min(self.plan.average, (1 + self.step_number) / (10 + self.step_number))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.towers.parameters(), strict=True)
            for slow, fast in pairs:
                if fast.requires_grad:
                    slow.lerp_(fast, 1 - decay)

    def finish(self) -> Towers:
        """Return the averaged towers, with class names as their text tower embeds them."""
        with torch.no_grad():
            self.averaged.trunk.names.weight.copy_(self._names.vectors(self.averaged.text).T)
        return self.averaged


def _all_texts(portion: Portion) -> list[str]:
    return portion.texts + [text for anchors in portion.anchors for text in anchors.texts]


def train(trainer: Trainer, checkpoint: Path) -> None:
    """Train to the end of the plan, from the checkpoint if there is one."""
    plan = trainer.plan
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        trainer.towers.load_state_dict(saved["live"])
        trainer.averaged.load_state_dict(saved["averaged"])
        trainer.optimizer.load_state_dict(saved["optimizer"])
        trainer.queue.load_state_dict(saved["queue"])
        trainer.step_number = saved["step"]
    progress = Progress("train", plan.steps, 50)
    trainer.towers.train()
    while trainer.step_number < plan.steps:
        progress.add(trainer.step_number + 1, trainer.step())
        if trainer.step_number % plan.checkpoint == 0 or trainer.step_number == plan.steps:
            partial = checkpoint.with_suffix(".partial")
            torch.save(
                {
                    "live": trainer.towers.state_dict(),
                    "averaged": trainer.averaged.state_dict(),
                    "optimizer": trainer.optimizer.state_dict(),
                    "queue": trainer.queue.state_dict(),
                    "step": trainer.step_number,
                },
                partial,
            )
            partial.rename(checkpoint)
