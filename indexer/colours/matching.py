"""How well a product's measured colours match a colour: which of them are sold, and how near.

A product of which a model shows the skin, or that lies before something, has colours that are not
for sale. Each measured colour gets a *weight*, the probability that it is the one that people name
the product by, from its shade and its share. A product matches a colour as far as its colours of
great weight are near it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.colours.dominant import MAX_COLOURS, unpack
from indexer.colours.lab import LabArray, ciede2000

__all__ = ["MATCHING_FILE", "ColourMatching", "colour_matching", "shade_features"]

MATCHING_FILE = Path(__file__).parent / "data" / "matching.json"

Floats = NDArray[np.float32]

# Standard deviation of a shade's nearness to an anchor; Euclidean distance in CIELAB.
_ANCHOR_SPREAD = 12.0
# Added to the sum of nearnesses, so that a shade far from all anchors is near to none.
_NEAR_NONE = 1e-3
# Bits dropped of each byte of a colour for its shade: steps are 1.6 of L*, 4 of a* and b*.
_SHADE_BITS = 2
_SHADES = 256 >> _SHADE_BITS
# Shades whose features are computed at once (10 MB with their differences to anchors).
_ROWS = 16_384
# Colours whose shade is nearer than this many spreads are compared exactly.
_EXACT = 2.5
# Keep the logarithms of a share and of a match finite.
_LEAST_SHARE, _LEAST_MATCH = 1e-6, 1e-6


@dataclass(frozen=True)
class ColourMatching:
    """What `scripts/train colours` fitted to a catalog that states its products' colours.

    Attributes:
        anchors: `[a, 3]` CIELAB colours; a shade is described by its nearness to each.
        by_shade: `[a]` log-weight of a colour near each anchor.
        by_share: `[a]` the same, for each unit of its share.
        power: Log-weight for each unit of the logarithm of its share.
        spread: Standard deviation of the difference (CIEDE2000) of a match.
        lightness: The parametric factor k_L of these differences: photos of one colour differ in
            light more than in hue.
        photo: `[4, 3]` the affine map from a colour as people imagine it to the same in photos of
            products, which is greyer and darker; rows are L*, a*, b* and 1.
        logits: Factors of `logit_features`: their sum is the log-odds that people call a product by
            the colour that it matches so. The slopes are not below 0.
    """

    anchors: Floats
    by_shade: Floats
    by_share: Floats
    power: float
    spread: float
    lightness: float
    photo: Floats
    logits: tuple[float, float, float]

    def weights(self, colours: NDArray[np.uint8]) -> Floats:
        """Compute the weight of each measured colour.

        Args:
            colours: `[n, 5, 4]`, as from `MeasuredColours.to_array`.

        Returns:
            `[n, 5]`; the sum of a row is 1, or 0 for an image that was not measured.
        """
        _, shares = unpack(colours)
        shades = _shade_numbers(colours)
        by_shade, by_share = self._of_shades(shades)
        logits = by_shade[shades] + by_share[shades] * shares
        logits += np.float32(self.power) * np.log(shares + np.float32(_LEAST_SHARE))
        logits[shares == 0] = -np.inf
        best = logits.max(axis=1, keepdims=True)
        powers = np.exp(logits - np.where(np.isfinite(best), best, 0))
        return np.asarray(powers / np.maximum(powers.sum(axis=1, keepdims=True), 1), np.float32)

    def match(self, colours: NDArray[np.uint8], weights: Floats, lab: LabArray) -> Floats:
        """Compute how well each image's product matches a colour.

        Args:
            colours: `[n, 5, 4]` measured colours.
            weights: `[n, 5]`, from `weights`.
            lab: `[3]` CIELAB colour.

        Returns:
            `[n]`, 0 to 1: 1 for a product of exactly this colour, 0 for one that was not measured.
        """
        differences = self.differences(colours, lab)
        near = np.exp(differences**2 / np.float32(-2 * self.spread**2))
        return np.asarray(np.einsum("nc,nc->n", near, weights), np.float32)

    def differences(self, colours: NDArray[np.uint8], lab: LabArray) -> Floats:
        """Compute the difference of each measured colour from a colour, `[n, 5]`.

        Far colours have the difference of the middle of their shade, which is much quicker.
        """
        shades = _shade_numbers(colours)
        used = _used(shades)
        of_shade = np.zeros(_SHADES**3, np.float32)
        of_shade[used] = ciede2000(_middles(used), lab, self.lightness)
        found = of_shade[shades]
        near = found <= _EXACT * self.spread
        exact, _ = unpack(colours[near][:, np.newaxis])
        found[near] = ciede2000(exact[:, 0], lab, self.lightness)
        return found

    def confidence(self, match: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the probability that people call products by the colour that they match so."""
        log_odds = self.logit_features(match) @ np.array(self.logits)
        return np.asarray(1 / (1 + np.exp(-log_odds)), np.float64)

    @staticmethod
    def logit_features(match: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return 1, the logarithm of a match, and the match, `[n, 3]`."""
        clipped = np.clip(match, _LEAST_MATCH, 1.0).astype(np.float64)
        return np.stack([np.ones_like(clipped), np.log(clipped), clipped], axis=-1)

    def in_photos(self, lab: LabArray) -> LabArray:
        """Return how a colour that people imagine looks in photos of products, `[3]`."""
        return np.asarray(np.append(lab, np.float32(1)) @ self.photo, np.float32)

    def _of_shades(self, shades: NDArray[np.int32]) -> Floats:
        """Return `by_shade` and `by_share` of those shades that occur, `[2, shades]`."""
        used = _used(shades)
        found = np.zeros((2, _SHADES**3), np.float32)
        for start in range(0, len(used), _ROWS):
            part = used[start : start + _ROWS]
            features = shade_features(_middles(part), self.anchors)
            found[:, part] = (features @ np.column_stack([self.by_shade, self.by_share])).T
        return found


@cache
def colour_matching() -> ColourMatching:
    """Load what ships."""
    stored: dict[str, Any] = json.loads(MATCHING_FILE.read_text("utf-8"))
    offset, by_log, by_match = map(float, stored["logits"])
    return ColourMatching(
        anchors=np.array(stored["anchors"], np.float32),
        by_shade=np.array(stored["by_shade"], np.float32),
        by_share=np.array(stored["by_share"], np.float32),
        power=float(stored["power"]),
        spread=float(stored["spread"]),
        lightness=float(stored["lightness"]),
        photo=np.array(stored["photo"], np.float32),
        logits=(offset, by_log, by_match),
    )


def shade_features(lab: LabArray, anchors: Floats) -> Floats:
    """Compute the nearness of colours `[..., 3]` to each anchor; `[..., a]`, the sum below 1."""
    squares = ((lab[..., np.newaxis, :] - anchors) ** 2).sum(axis=-1)
    near = np.exp(squares / np.float32(-2 * _ANCHOR_SPREAD**2))
    return np.asarray(near / (near.sum(axis=-1, keepdims=True) + _NEAR_NONE), np.float32)


def _shade_numbers(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the number of the shade of each measured colour `[n, 5, 4]`, `[n, 5]`."""
    assert colours.shape[1:] == (MAX_COLOURS, 4)
    lightness, a, b = np.moveaxis((colours[..., :3] >> _SHADE_BITS).astype(np.int32), -1, 0)
    return np.asarray((lightness * _SHADES + a) * _SHADES + b, np.int32)


def _used(shades: NDArray[np.int32]) -> NDArray[np.intp]:
    return np.flatnonzero(np.bincount(shades.ravel(), minlength=_SHADES**3))


def _middles(numbers: NDArray[np.integer[Any]]) -> LabArray:
    """Return the middles of shades `[n]`, `[n, 3]` CIELAB."""
    digits = (numbers // _SHADES**2, numbers // _SHADES % _SHADES, numbers % _SHADES)
    half = (1 << _SHADE_BITS) // 2
    coded = np.zeros((len(numbers), 4), np.uint8)
    coded[:, :3] = np.stack([(digit << _SHADE_BITS) + half for digit in digits], axis=1)
    lab, _ = unpack(coded)
    return lab
