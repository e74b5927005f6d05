"""Download of model files from the Hugging Face hub: safetensors only, the local cache first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embeddings.errors import ModelUnavailableError, UnsafeWeightsError

__all__ = ["fetch_config", "fetch_weights"]

# The names under which open_clip repositories keep safetensors, the most common first.
_WEIGHT_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
)


def fetch_weights(repository: str, filename: str | None = None) -> Path:
    """Fetch a repository's safetensors weights.

    Args:
        repository: `ORG/NAME`.
        filename: The file that open_clip's table names, if any. Where it is a pickle, its
            safetensors twin is fetched instead.

    Raises:
        UnsafeWeightsError: The repository has no safetensors file.
        ModelUnavailableError: It can't be reached and is not in the cache.
    """
    names = list(_WEIGHT_FILES)
    if filename:
        names.insert(0, str(Path(filename).with_suffix(".safetensors")))
    weights = _fetch_first(repository, names)
    if weights is None:
        raise UnsafeWeightsError(
            f"{repository!r} has no safetensors file ({', '.join(names)}); other weight formats "
            "can run code and are never loaded."
        )
    return weights


def fetch_config(repository: str) -> Path:
    """Fetch a repository's open_clip config.

    Raises:
        ModelUnavailableError: It has none, or can't be reached and is not in the cache.
    """
    config = _fetch_first(repository, ["open_clip_config.json"])
    if config is None:
        raise ModelUnavailableError(
            f"{repository!r} is not an open_clip model: it has no open_clip_config.json."
        )
    return config


def _fetch_first(repository: str, names: Sequence[str]) -> Path | None:
    """Fetch the first of `names` that the repository has; None if it has none of them."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    unreachable: Exception | None = None
    for name in names:
        try:
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError as error:
            # Neither cached nor reachable; another name may be in the cache.
            unreachable = error
        except EntryNotFoundError:
            continue
        except RepositoryNotFoundError as error:
            raise ModelUnavailableError(
                f"The hub has no public model {repository!r}. Check the name."
            ) from error
        except Exception as error:
            raise ModelUnavailableError(_unreachable(repository)) from error
    if unreachable is not None:
        raise ModelUnavailableError(_unreachable(repository)) from unreachable
    return None


def _unreachable(repository: str) -> str:
    return (
        f"The files of {repository!r} are not in the local cache and the hub can't be reached. "
        "Without a network, use the bundled model (--model compact) or an open_clip model folder "
        "(--model local-dir:PATH)."
    )
