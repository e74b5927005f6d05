"""Light fine-tuning of the image trunk together with both projections."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from compact_training.augment import PACKSHOT, PHOTO, Augment, augmented
from compact_training.batches import Portion, Sampler
from compact_training.catalogs import CLOTHING, GROCERY_PHOTOS, GROCERY_PRODUCTS
from compact_training.joint import (
    Corpus,
    JointPlan,
    Towers,
    joint_losses,
    packshot_rows,
    portions_of,
    total,
)
from compact_training.objective import ClassMemory, Queue
from compact_training.pixels import PixelRows
from compact_training.progress import Progress
from compact_training.text_tower import (
    cosine_rate,
    encode,
    length_batches,
    parameter_groups,
    similarity_loss,
)
from compact_training.vision import EMBED_DIM

__all__ = ["TunePlan", "TuneState", "Tuner", "tune"]


@dataclass(frozen=True)
class TunePlan:
    """How the trunk is tuned.

    Attributes:
        joint: Batch sizes, rates and weights of what the towers share with `train_joint`.
        frozen: Stem and this many first stages stay as they are.
        trunk_rate: Highest learning rate of the trunk.
        sizes: (share of the steps done by then, picture side); small pictures first.
        keep: Weight of the loss that keeps the trunk's ImageNet answers (Li and Hoiem 2016,
            "Learning without Forgetting").
        kept: Pictures of a batch that it is computed on.
        average: Decay of the moving average of all weights.
        checkpoint: Steps between checkpoints.
    """

    joint: JointPlan
    frozen: int = 3
    trunk_rate: float = 2e-4
    sizes: tuple[tuple[float, int], ...] = ((0.6, 128), (1.0, 160))
    keep: float = 0.5
    kept: int = 64
    average: float = 0.995
    checkpoint: int = 50


@dataclass
class TuneState:
    """All that tuning changes; `averaged` is what is exported.

    Attributes:
        trunk: With folded batch norms.
        towers: Projection, text tower, multiplier.
        averaged: Moving average of both, as a module list of the two.
        step: Steps done.
    """

    trunk: nn.Module
    towers: Towers
    averaged: nn.ModuleList = field(init=False)
    step: int = 0

    def __post_init__(self) -> None:
        self.averaged = copy.deepcopy(nn.ModuleList([self.trunk, self.towers]))
        self.averaged.requires_grad_(False)

    def follow(self, decay: float) -> None:
        """Move the average a step towards the weights."""
        live = nn.ModuleList([self.trunk, self.towers])
        decay = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.averaged.parameters(), live.parameters(), strict=True):
                slow.lerp_(fast, 1 - decay)


def trainable_maps(trunk: Any, batch: Tensor, frozen: int) -> Tensor:
    """Pooled features `[n, 1280]`; gradients reach only what isn't frozen."""
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            maps: Tensor = trunk.bn1(trunk.conv_stem(batch))
            for stage in trunk.blocks[:frozen]:
                maps = stage(maps)
        for stage in trunk.blocks[frozen:]:
            maps = stage(maps)
        maps = trunk.bn2(trunk.conv_head(maps))
    return maps.float().mean((2, 3))


def _augment_of(name: str) -> Augment:
    return PHOTO if name in (GROCERY_PHOTOS, CLOTHING) else PACKSHOT


def _batch(
    portions: list[Portion],
    pixels: dict[str, PixelRows],
    size: int,
    rng: np.random.Generator,
) -> Tensor:
    parts = [
        augmented(pixels[portion.name][portion.rows], _augment_of(portion.name), size, rng)
        for portion in portions
    ]
    products = pixels[GROCERY_PRODUCTS]
    chosen = packshot_rows(portions, len(products))
    parts.append(augmented(products[chosen], PACKSHOT, size, rng))
    return torch.cat(parts)


class Tuner:
    """One run of tuning, in steps."""

    def __init__(
        self,
        state: TuneState,
        sampler: Sampler,
        pixels: dict[str, PixelRows],
        memory: ClassMemory,
        corpus: Corpus,
        plan: TunePlan,
    ) -> None:
        self.state, self.plan = state, plan
        self._sampler, self._pixels = sampler, pixels
        self._memory, self._corpus = memory, corpus
        self._teacher: Any = copy.deepcopy(state.trunk).requires_grad_(False)
        self.queue = Queue(sampler.fashion_codes, plan.joint.queue, EMBED_DIM)
        groups = parameter_groups(state.towers.text)
        for group in groups:
            group["lr"] = plan.joint.text_rate
        trunk: Any = state.trunk
        live = [*trunk.blocks[plan.frozen :].parameters(), *trunk.conv_head.parameters()]
        rate = plan.joint.rate
        head = list(state.towers.projection.parameters())
        self.optimizer = torch.optim.AdamW(
            [
                *groups,
                {"params": live, "lr": plan.trunk_rate, "weight_decay": 0.01},
                {"params": head, "lr": rate, "weight_decay": 0.05},
                {"params": [state.towers.logit_scale], "lr": rate, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
        )
        self._rates = [group["lr"] for group in self.optimizer.param_groups]

    def _size(self) -> int:
        share = self.state.step / self.plan.joint.steps
        return next(size for until, size in self.plan.sizes if share < until)

    def step(self) -> dict[str, float]:
        """One batch; returns the losses."""
        state, plan = self.state, self.plan
        factor = cosine_rate(state.step, plan.joint.steps)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        # Everything drawn depends on the step alone, so a resumed run is an unbroken one.
        rng = np.random.default_rng([plan.joint.seed, state.step])
        self._sampler.at(state.step)
        self._memory.at(state.step)
        portions = portions_of(self._sampler, plan.joint)
        batch = _batch(portions, self._pixels, self._size(), rng)
        features = trainable_maps(state.trunk, batch, plan.frozen)
        counts = [len(portion.rows) for portion in portions]
        *blocks, packshots = torch.split(features, [*counts, len(features) - sum(counts)])
        losses = joint_losses(
            state.towers, portions, list(blocks), packshots, self._memory, plan.joint, self.queue
        )
        rows = torch.from_numpy(length_batches(self._corpus.tokens, plan.joint.replay, rng))
        losses["replay"] = similarity_loss(
            encode(state.towers.text, self._corpus.tokens[rows]), self._corpus.targets[rows]
        )
        keep = self._keep(batch, features)
        self.optimizer.zero_grad()
        torch.autograd.backward(total(losses, plan.joint) + plan.keep * keep)
        trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, 2.0)
        self.optimizer.step()
        state.step += 1
        state.follow(plan.average)
        return {name: loss.item() for name, loss in losses.items()} | {"keep": keep.item()}

    def _keep(self, batch: Tensor, features: Tensor) -> Tensor:
        """How far the trunk's answers over the ImageNet classes have moved."""
        # The end of the batch: photos, drawings and packshots, the more varied pictures.
        few = slice(len(batch) - self.plan.kept, len(batch))
        with torch.no_grad():
            before = trainable_maps(self._teacher, batch[few], len(self._teacher.blocks))
            teacher = self._memory.teacher_log(before)
        student = self._memory.teacher_log(features[few])
        return functional.kl_div(student, teacher, log_target=True, reduction="batchmean")


def tune(tuner: Tuner, checkpoint: Path) -> None:
    """Run to the plan's end, from the checkpoint if there is one."""
    state, plan = tuner.state, tuner.plan
    modules = nn.ModuleList([state.trunk, state.towers])
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        modules.load_state_dict(saved["live"])
        state.averaged.load_state_dict(saved["averaged"])
        tuner.optimizer.load_state_dict(saved["optimizer"])
        tuner.queue.load_state_dict(saved["queue"])
        state.step = saved["step"]
    progress = Progress("tune", plan.joint.steps, plan.checkpoint)
    while state.step < plan.joint.steps:
        losses = tuner.step()
        progress.add(state.step, losses)
        if state.step % plan.checkpoint == 0 or state.step == plan.joint.steps:
            partial = checkpoint.with_suffix(".partial")
            torch.save(
                {
                    "live": modules.state_dict(),
                    "averaged": state.averaged.state_dict(),
                    "optimizer": tuner.optimizer.state_dict(),
                    "queue": tuner.queue.state_dict(),
                    "step": state.step,
                },
                partial,
            )
            partial.rename(checkpoint)
