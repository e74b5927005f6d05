"""Stages of training; each leaves a file in the run's folder and is skipped where it exists."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from open_clip.factory import load_state_dict
from open_clip.transformer import TextTransformer

from scripts.training.data import corpus as texts
from scripts.training.data.batches import Sampler, fashion_products
from scripts.training.data.captions import compose, grocery_name
from scripts.training.data.catalogs import (
    FASHION,
    GENERAL,
    GROCERY_PRODUCTS,
    SETS,
    SetRows,
    read_rows,
)
from scripts.training.data.drawn import TRAIN_DRAWINGS, DrawnSet, drawn_set
from scripts.training.data.pixels import PixelRows, cached_pixels
from scripts.training.model.class_names import ClassNames
from scripts.training.model.export import export
from scripts.training.model.text_tower import (
    Corpus,
    DistillPlan,
    distill,
    new_text_tower,
    principal_axes,
    sentence_embeddings,
    tokenize,
)
from scripts.training.model.towers import Towers
from scripts.training.model.views import cached_view
from scripts.training.model.vision import new_trunk
from scripts.training.optimisation.training import Plan, Trainer, Views, train

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        data: The folder of the catalogs.
        cache: Decoded images, shared by all runs.
        folder: This run's files.
        seed: The seed of everything that is drawn.
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
        """Decoded images by set."""
        pixels = {name: cached_pixels(self.data, self.cache, name) for name in self.rows}
        return pixels | {TRAIN_DRAWINGS: self.drawings.pixels}

    @cached_property
    def corpus(self) -> Corpus:
        """The texts that the tower is distilled on, with the teacher's vectors in 256 axes."""
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

    def distil_text(self, steps: int) -> Path:
        """Distil the sentence encoder into the text tower; return its file."""
        path = self.folder / "text.pt"
        if not path.exists():
            tower = new_text_tower(self.seed)
            distill(tower, self.corpus, DistillPlan(steps, seed=self.seed))
            _save(tower.state_dict(), path)
        return path

    def take_text(self, model: Path) -> Path:
        """Start from the text tower of a model folder instead; return its file."""
        path = self.folder / "text.pt"
        if not path.exists():
            state = load_state_dict(str(model / "open_clip_model.safetensors"))
            own = {
                name.removeprefix("text."): value.float()
                for name, value in state.items()
                if name.startswith("text.")
            }
            _save(own, path)
        return path

    def views(self, count: int) -> Views:
        """Return the first `count` views of every set."""
        trunk = new_trunk(self.seed)
        return {
            name: [cached_view(self.cache, trunk, name, pixels, view) for view in range(count)]
            for name, pixels in self.pixels.items()
        }

    def train_towers(self, plan: Plan, views: int) -> Path:
        """Train the retail branch and the text tower; return their file."""
        path = self.folder / "trained.pt"
        if not path.exists():
            trainer = Trainer(
                self._towers(),
                Sampler(self.rows, self.drawings, self.seed),
                self.views(views),
                ClassNames(texts.imagenet_names()),
                self.corpus,
                plan,
            )
            train(trainer, self.folder / "training.pt")
            _save(trainer.finish().state_dict(), path)
        return path

    def _towers(self) -> Towers:
        trunk = new_trunk(self.seed)
        text: TextTransformer = new_text_tower(self.seed)
        text.load_state_dict(torch.load(self.folder / "text.pt", weights_only=True), strict=False)
        return Towers(trunk, text)

    def export(self, out: Path) -> None:
        """Write the model folder."""
        towers = self._towers()
        towers.load_state_dict(torch.load(self.folder / "trained.pt", weights_only=True))
        export(out, towers.trunk, towers.text, float(towers.scale().detach()))


def _save(state: dict[str, torch.Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.rename(path)
