"""The steps of training; each leaves a file in the run's folder, and is over where it stands."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from compact_training import corpus as texts
from compact_training.batches import Sampler, fashion_products
from compact_training.captions import compose, grocery_name
from compact_training.catalogs import FASHION, GENERAL, GROCERY_PRODUCTS, SETS, SetRows, read_rows
from compact_training.drawn import TRAIN_DRAWINGS, DrawnSet, drawn_set
from compact_training.export import export
from compact_training.joint import Corpus, Features, JointPlan, Towers, train_joint
from compact_training.objective import ClassMemory
from compact_training.pixels import PixelRows, cached_pixels
from compact_training.text_tower import (
    DistillPlan,
    distill,
    new_text_tower,
    principal_axes,
    sentence_embeddings,
    tokenize,
)
from compact_training.tuning import TunePlan, Tuner, TuneState, tune
from compact_training.vision import (
    fold_batch_norms,
    imagenet_classifier,
    imagenet_trunk,
    new_projection,
    pooled_features,
)

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        data: The folder of the catalogs.
        cache: Decoded pictures, shared by all runs.
        folder: This run's files.
        seed: Of everything drawn.
    """

    data: Path
    cache: Path
    folder: Path
    seed: int

    @cached_property
    def rows(self) -> dict[str, SetRows]:
        """The sets that are trained on."""
        return {name: read_rows(self.data, name) for name in SETS if name != GENERAL}

    @cached_property
    def drawings(self) -> DrawnSet:
        """The drawings that are trained on."""
        return drawn_set(self.cache, TRAIN_DRAWINGS)

    @cached_property
    def pixels(self) -> dict[str, PixelRows]:
        """Decoded pictures by set."""
        pixels = {name: cached_pixels(self.data, self.cache, name) for name in self.rows}
        return pixels | {TRAIN_DRAWINGS: self.drawings.pixels}

    @cached_property
    def memory(self) -> ClassMemory:
        """The ImageNet teacher's knowledge."""
        return ClassMemory(*imagenet_classifier(), texts.imagenet_names(), self.seed)

    def _trunk(self) -> nn.Module:
        trunk = imagenet_trunk()
        fold_batch_norms(trunk)
        return trunk.to(memory_format=torch.channels_last)

    @cached_property
    def corpus(self) -> Corpus:
        """The texts that the tower is taught, with the sentence encoder's vectors in 256 axes."""
        path = self.folder / "corpus.pt"
        if not path.exists():
            pairs = texts.unique(self._pairs())
            meanings = sorted({meaning for _, meaning in pairs})
            vectors = sentence_embeddings(meanings)
            vectors = vectors @ principal_axes(vectors)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            place = {meaning: row for row, meaning in enumerate(meanings)}
            targets = torch.from_numpy(vectors[[place[meaning] for _, meaning in pairs]])
            _save({"tokens": tokenize([text for text, _ in pairs]), "targets": targets}, path)
        saved = torch.load(path, weights_only=True)
        return Corpus(saved["tokens"], saved["targets"])

    def _pairs(self) -> list[tuple[str, str]]:
        rng = random.Random(self.seed)
        pairs = texts.general_texts(rng)
        fashion = self.rows[FASHION]
        products = fashion_products(fashion)
        for row in fashion.train:
            composed = compose(products[row], rng).text
            pairs += [(products[row].title,) * 2, (composed, composed)]
        grocery = self.rows[GROCERY_PRODUCTS].columns
        pairs += [(grocery_name(i),) * 2 for i in grocery["id"]]
        pairs += [(description,) * 2 for description in grocery["description"]]
        return pairs

    def teach_text(self, steps: int) -> Path:
        """Distil the sentence encoder into the text tower."""
        path = self.folder / "text.pt"
        if not path.exists():
            tower = new_text_tower(self.seed)
            plan = DistillPlan(steps, seed=self.seed)
            distill(tower, self.corpus.tokens, self.corpus.targets, plan)
            _save(tower.state_dict(), path)
        return path

    def _features(self) -> Features:
        """Two views, plain and mirrored, of every set through the untouched trunk."""
        views: Features = {}
        trunk = self._trunk()
        for name, pixels in self.pixels.items():
            views[name] = []
            for flip in (False, True):
                path = self.cache / "features" / f"{name}-{int(flip)}.npy"
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    np.save(path, pooled_features(trunk, pixels, flip=flip))
                views[name].append(np.load(path))
        return views

    def train_towers(self, plan: JointPlan) -> Path:
        """Train projection and text tower over the frozen trunk."""
        path = self.folder / "joint.pt"
        if not path.exists():
            towers = self._towers()
            towers.text.load_state_dict(torch.load(self.folder / "text.pt", weights_only=True))
            sampler = Sampler(self.rows, self.drawings, self.seed)
            train_joint(towers, sampler, self._features(), self.memory, self.corpus, plan)
            _save(towers.state_dict(), path)
        return path

    def _towers(self) -> Towers:
        torch.manual_seed(self.seed)
        return Towers(new_projection(), new_text_tower(self.seed))

    def tune_trunk(self, plan: TunePlan) -> Path:
        """Tune the trunk's later stages with both projections."""
        path = self.folder / "tuned.pt"
        if not path.exists():
            towers = self._towers()
            towers.load_state_dict(torch.load(self.folder / "joint.pt", weights_only=True))
            state = TuneState(self._trunk(), towers)
            sampler = Sampler(self.rows, self.drawings, self.seed + 1)
            tuner = Tuner(state, sampler, self.pixels, self.memory, self.corpus, plan)
            tune(tuner, self.folder / "tuning.pt")
            _save(state.averaged.state_dict(), path)
        return path

    def export(self, out: Path) -> None:
        """Write the model folder from the last step that is done."""
        towers, trunk = self._towers(), self._trunk()
        tuned = self.folder / "tuned.pt"
        if tuned.exists():
            state = torch.load(tuned, weights_only=True)
            nn.ModuleList([trunk, towers]).load_state_dict(state)
        else:
            towers.load_state_dict(torch.load(self.folder / "joint.pt", weights_only=True))
        scale = float(towers.scale().detach())
        export(out, trunk, towers.projection, towers.text, scale, imagenet_trunk())


def _save(state: dict[str, torch.Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.rename(path)
