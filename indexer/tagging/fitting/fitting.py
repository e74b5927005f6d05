"""Fitting of a taxonomy to labelled images: prototypes, calibrated probabilities, thresholds.

A label's log-odds are those of its words plus a linear function of the image's vector that is
learned from examples. Scales and thresholds are fitted to predictions for examples that were left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embeddings import Encoder, FloatArray, PixelArray
from indexer.tagging.fit_file import Fitted, GroupFit
from indexer.tagging.fitting.gate import fit_gate
from indexer.tagging.fitting.labelled import Examples, GroupExamples
from indexer.tagging.fitting.learner import learn
from indexer.tagging.fitting.options import FitOptions
from indexer.tagging.fitting.temperature import Validation, best_scale, scaled
from indexer.tagging.fitting.thresholds import fit_thresholds
from indexer.tagging.negatives import draw_negatives
from indexer.tagging.tagger import Tagger, group_probabilities
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["fit_group", "fit_taxonomy"]

# Images embedded at once.
_BATCH = 32
_FOLDS = 2


def fit_taxonomy(
    encoder: Encoder,
    taxonomy: Taxonomy,
    examples: Examples,
    options: FitOptions | None = None,
    start: Fitted | None = None,
    validation: Examples | None = None,
) -> Fitted:
    """Fit all groups of a taxonomy.

    Groups without examples stay as they were at the start. Where nothing was fitted before, they
    get the prototypes of their words, and independent labels get the examples as background.

    Args:
        encoder: Embeds the labels, and drawn images without a product.
        taxonomy: The taxonomy.
        examples: At least one image.
        options: How to fit.
        start: An earlier fit to continue from.
        validation: Other examples, for scales and thresholds alone. Without them, each half of the
            examples validates the fit to the other half. That is fair where the encoder itself was
            not trained on the images.
    """
    options = options or FitOptions()
    start = start or Fitted(encoder.spec.fingerprint, {})
    before = Tagger(encoder, taxonomy, background=examples.vectors, fitted=start)
    fits = {}
    for group, fit in zip(taxonomy.groups, before.fits, strict=True):
        own = GroupExamples.of(examples, group)
        others = None if validation is None else GroupExamples.of(validation, group)
        fits[group.digest] = fit_group(group, fit, own, options, others) if len(own) else fit
    gate = start.gate
    if gate is None:
        drawn = draw_negatives(options.seed, options.negatives)
        negatives = _encode(encoder, [encoder.preprocess(image) for image in drawn])
        gate = fit_gate(examples.vectors, negatives, options.seed)
    return Fitted(encoder.spec.fingerprint, fits, gate)


def fit_group(
    group: Group,
    start: GroupFit,
    examples: GroupExamples,
    options: FitOptions,
    validation: GroupExamples | None = None,
) -> GroupFit:
    """Fit one group; see `fit_taxonomy`.

    Args:
        group: The group.
        start: The fit before.
        examples: At least one.
        options: How to fit.
        validation: Other examples, for scale and thresholds.
    """
    whole = learn(group, start, examples, options)
    if validation is not None and len(validation):
        validations = [Validation(whole, validation)]
    elif len(examples) < 2 * _FOLDS:
        validations = [Validation(whole, examples)]
    else:
        validations = _cross_validations(group, start, examples, options)
    scale = best_scale(group, validations)
    predicted = [
        group_probabilities(group, scaled(one.fit, scale), one.examples.vectors)
        for one in validations
    ]
    truth = np.concatenate([one.examples.truth for one in validations])
    thresholds = fit_thresholds(group, start, np.concatenate(predicted), truth, options)
    return replace(scaled(whole, scale), threshold=thresholds)


def _cross_validations(
    group: Group, start: GroupFit, examples: GroupExamples, options: FitOptions
) -> list[Validation]:
    """Return each half of the examples, with the fit to the other half."""
    folds = np.random.default_rng(options.seed).permutation(len(examples)) % _FOLDS
    return [
        Validation(
            learn(group, start, examples.some(folds != fold), options),
            examples.some(folds == fold),
        )
        for fold in range(_FOLDS)
    ]


def _encode(encoder: Encoder, pixels: Sequence[PixelArray]) -> FloatArray:
    parts = [
        encoder.encode_images(np.stack(pixels[start : start + _BATCH]))
        for start in range(0, len(pixels), _BATCH)
    ]
    return np.concatenate([np.empty((0, encoder.spec.dim), np.float32), *parts])
