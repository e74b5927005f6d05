"""The gate: log-odds that an image shows a product at all, against drawn images without one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray

__all__ = ["fit_gate"]

# Real images that are used.
_REAL = 4000
# Prior standard deviation of the weights; the offset is free.
_WEIGHT_VARIANCE = 10.0
# Hardly any image is without a product. So the offset is raised until all but this share of the
# real images have `_REAL_LOG_ODDS` ...
_TAIL = 0.02
_REAL_LOG_ODDS = 4.0
# ... as long as all but that share of the drawn images stay below this.
_DRAWN_LOG_ODDS = -1.5


def fit_gate(real: FloatArray, drawn: FloatArray, seed: int) -> FloatArray | None:
    """Fit a logistic regression of real images against drawn images without a product.

    Both sides weigh the same.

    Args:
        real: `[n, dim]` unit vectors of images of products.
        drawn: `[m, dim]` unit vectors of drawn images; m may be 0.
        seed: Chooses among the real images.

    Returns:
        `[dim + 1]` weights and offset; None where nothing was drawn.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    if not len(drawn):
        return None
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(real), min(len(real), _REAL), replace=False)
    rows = np.concatenate([real[chosen], drawn]).astype(np.float64)
    count = len(chosen)
    labels = np.repeat([1.0, 0.0], [count, len(drawn)])
    shares = np.repeat([len(drawn) / count, 1.0], [count, len(drawn)])

    def objective(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the negative log posterior and its gradient."""
        weights, offset = at[:-1], at[-1]
        logits = rows @ weights + offset
        loss = shares @ (np.logaddexp(0, logits) - labels * logits)
        errors = shares * (expit(logits) - labels)
        gradient = np.append(errors @ rows + weights / _WEIGHT_VARIANCE, errors.sum())
        return float(loss + weights @ weights / (2 * _WEIGHT_VARIANCE)), gradient

    found = minimize(objective, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    logits = rows @ found[:-1] + found[-1]
    real_low = float(np.quantile(logits[:count], _TAIL))
    drawn_high = float(np.quantile(logits[count:], 1 - _TAIL))
    room = max(0.0, _DRAWN_LOG_ODDS - drawn_high)
    found[-1] += np.clip(_REAL_LOG_ODDS - real_low, 0, room)
    return np.asarray(found, np.float32)
