"""`load_encoder`: an encoder by the name of its model, on the runtime that suits this machine."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

from embeddings.encoder import Encoder
from embeddings.errors import ModelError
from embeddings.models import COMPACT_FOLDER, ModelName, ModelSource, parse_model_name

__all__ = ["export_model", "load_encoder"]

_TORCH = "torch"
_AUTO = "auto"
_CPU = "cpu"
_CUDA = "cuda"
# The driver's control device; without it, looking for a GPU would import torch in vain.
_GPU_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))


def load_encoder(
    name: str,
    *,
    device: str = _AUTO,
    precision: str = _AUTO,
    runtime: str = _AUTO,
    devices: str | None = None,
    threads: int | None = None,
    notify: Callable[[str], None] | None = None,
) -> Encoder:
    """Load a model.

    Args:
        name: `compact`, `ARCH/PRETRAINED`, `hf-hub:ORG/NAME`, `local-dir:PATH` or `onnx-dir:PATH`.
        device: `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:N`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.
        runtime: `auto`, `openvino`, `onnx` or `torch`. `auto` is torch on a GPU, and OpenVINO or
            else ONNX Runtime on a CPU. The first use of an open_clip model on a CPU converts it.
        devices: `cpu` and `gpu=1` are the devices `cpu` and `cuda`. `gpu=N` loads the model on each
            of N GPUs, in a process of its own, and divides batches among them. None and `auto`
            leave the choice to `device`.
        threads: Number of processors to use; by default all that the process may use.
        notify: Takes a line about slow work, such as a conversion.

    Raises:
        ModelError: The name, device, precision or runtime is invalid, there are fewer GPUs than
            asked for, or the model can't be loaded.
    """
    parsed = parse_model_name(name)  # refuse a mistyped name before a runtime takes time to load
    device, gpus = _resolve_devices(device, devices)
    chosen = _choose_runtime(parsed, device, runtime)
    if chosen != _TORCH:
        folder = _onnx_folder(name, parsed, runtime, notify or _silent)
        if folder is not None:
            from embeddings.onnx import load_folder

            return load_folder(folder, name, runtime=chosen, precision=precision, threads=threads)
    _require_torch(name)
    from embeddings import clip

    if gpus:
        clip.require_gpus(gpus)
    if gpus > 1:
        return clip.MultiDeviceEncoder(
            name,
            [f"{_CUDA}:{number}" for number in range(gpus)],
            precision=precision,
            threads=threads,
        )
    encoder = clip.load_encoder(name, device=device, precision=precision)
    if threads is not None:
        clip.use_threads(threads)
    return encoder


def export_model(name: str, folder: Path) -> None:
    """Export a model to a folder that `onnx-dir:` loads without torch.

    Args:
        name: Any model name but `onnx-dir:PATH`.
        folder: Where to write it; made if it is missing.

    Raises:
        ModelError: The model can't be loaded or does not convert, or the folder can't be written.
    """
    parse_model_name(name)
    _require_torch(name)
    from embeddings import clip

    clip.export_model(name, folder)


def _resolve_devices(device: str, devices: str | None) -> tuple[str, int]:
    """Return the device that `device` and `devices` mean, and the number of GPUs asked for."""
    if devices is None or devices == _AUTO:
        return device, 0
    match = re.fullmatch(r"cpu|gpu=([1-9][0-9]{0,3})", devices)
    if match is None:
        raise ModelError(
            f"{devices!r} is not a choice of devices; use auto, cpu or gpu=N, with N from 1."
        )
    gpus = int(match[1] or 0)
    meant = _CUDA if gpus else _CPU
    if device in (_AUTO, meant):
        return meant, gpus
    if gpus == 1 and device.startswith(f"{_CUDA}:"):
        return device, gpus
    raise ModelError(
        f"--device {device} and --devices {devices} contradict each other; give only one."
    )


def _choose_runtime(parsed: ModelName, device: str, runtime: str) -> str:
    from embeddings.onnx import RUNTIMES, installed_runtimes

    if runtime not in (_AUTO, _TORCH, *RUNTIMES):
        raise ModelError(
            f"{runtime!r} is not a runtime; use {', '.join((_AUTO, *RUNTIMES))} or {_TORCH}."
        )
    on_cpu = device == _CPU or (device == _AUTO and runtime in RUNTIMES)
    if runtime in RUNTIMES and not on_cpu:
        raise ModelError(f"{runtime} runs on CPUs here; use --device cpu, or --runtime torch.")
    if runtime != _AUTO:
        return runtime
    exported = parsed.source is ModelSource.EXPORTED
    if device not in (_AUTO, _CPU) or (device == _AUTO and not exported and _has_gpu()):
        return _TORCH
    return next(iter(installed_runtimes()), _TORCH)


def _has_gpu() -> bool:
    if not any(driver.exists() for driver in _GPU_DRIVERS) or not _has_torch():
        return False
    from embeddings import clip

    return clip.has_gpu()


def _has_torch() -> bool:
    return importlib.util.find_spec("open_clip") is not None


def _require_torch(name: str) -> None:
    """Raise `ModelError` unless open_clip and torch are installed."""
    if not _has_torch():
        raise ModelError(
            f"{name!r} needs torch and open_clip, which are not installed. Install them: pip "
            "install 'lookalike[clip]'. Or export the model where they are installed (lookalike "
            "models export NAME --to DIR) and use --model onnx-dir:DIR."
        )


def _onnx_folder(
    name: str, parsed: ModelName, runtime: str, notify: Callable[[str], None]
) -> Path | None:
    """Return the folder of a model in ONNX; None if the model runs on torch only."""
    if parsed.source is ModelSource.BUNDLED:
        return COMPACT_FOLDER
    if parsed.source is ModelSource.EXPORTED:
        return Path(parsed.rest)
    from embeddings.onnx import find_conversion

    found = find_conversion(name)
    if found is None:
        _require_torch(name)
        from embeddings import clip

        found = clip.convert(name, notify)
    if isinstance(found, Path):
        return found
    if runtime != _AUTO:
        raise ModelError(f"{name} does not run on {runtime}: {found or 'it does not convert.'}")
    return None


def _silent(line: str) -> None:
    """Take a line, and do nothing with it."""
