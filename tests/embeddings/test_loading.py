"""`load_encoder`: the runtime that suits the model and the machine, and what to do without it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import embeddings
from embeddings import FakeEncoder, ModelError, UnknownModelError, load_encoder, loading


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, object]]]:
    """Calls of a stand-in for the folder that imports torch."""
    calls: list[tuple[str, dict[str, object]]] = []
    module = ModuleType("embeddings.clip")
    module.load_encoder = lambda name, **options: calls.append((name, options)) or FakeEncoder()
    module.convert = lambda name, notify: notify(f"{name} does not convert")
    module.has_gpu = lambda: True
    module.require_gpus = lambda count: calls.append(("gpus", {"count": count}))
    module.MultiDeviceEncoder = lambda name, devices, **options: (
        calls.append((name, {"devices": devices, **options})) or FakeEncoder()
    )
    module.use_threads = lambda count: calls.append(("threads", {"count": count}))
    monkeypatch.setitem(sys.modules, "embeddings.clip", module)
    monkeypatch.setattr(embeddings, "clip", module, raising=False)
    return calls


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """Hides packages, as if they were not installed."""
    find_spec = importlib.util.find_spec

    def hide(*names: str) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: None if name in names else find_spec(name)
        )

    return hide


def test_an_invalid_name_is_refused_before_a_runtime_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "embeddings.clip", None)  # importing it would raise
    monkeypatch.setitem(sys.modules, "embeddings.onnx", None)
    with pytest.raises(UnknownModelError, match="'compat' is not a model name"):
        load_encoder("compat")


def test_a_cpu_runs_openvino() -> None:
    spec = load_encoder("compact").spec
    assert (spec.runtime, spec.device) == ("openvino", "cpu")


def test_without_openvino_a_cpu_runs_onnx_runtime(only) -> None:
    only("openvino")
    spec = load_encoder("compact").spec
    assert (spec.runtime, spec.precision) == ("onnx", "fp32")
    with pytest.raises(ModelError, match="openvino is not installed"):
        load_encoder("compact", runtime="openvino")


def test_without_either_a_cpu_runs_torch(only, clip) -> None:
    only("openvino", "onnxruntime")
    load_encoder("compact", precision="fp32", threads=3)
    assert clip == [
        ("compact", {"device": "auto", "precision": "fp32"}),
        ("threads", {"count": 3}),
    ]


@pytest.mark.parametrize(
    "options", [{"runtime": "torch"}, {"device": "cuda"}, {"device": "cuda:1"}]
)
def test_torch_runs_what_is_asked_of_it(clip, options: dict[str, str]) -> None:
    load_encoder("compact", **options)
    device = options.get("device", "auto")
    assert clip == [("compact", {"device": device, "precision": "auto"})]


def test_several_gpus_have_a_process_each(clip) -> None:
    for device in ("auto", "cuda"):
        load_encoder("compact", device=device, devices="gpu=3", precision="fp32", threads=6)
        devices = ["cuda:0", "cuda:1", "cuda:2"]
        options = {"devices": devices, "precision": "fp32", "threads": 6}
        assert clip == [("gpus", {"count": 3}), ("compact", options)]
        clip.clear()


@pytest.mark.parametrize(("device", "meant"), [("auto", "cuda"), ("cuda", "cuda"), ("cuda:1",) * 2])
def test_one_gpu_needs_no_process(clip, device: str, meant: str) -> None:
    load_encoder("compact", device=device, devices="gpu=1")
    options = {"device": meant, "precision": "auto"}
    assert clip == [("gpus", {"count": 1}), ("compact", options)]


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_devices_may_be_the_cpu(
    clip, device: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loading, "_GPU_DRIVERS", (tmp_path,))  # as if there were a GPU
    spec = load_encoder("compact", device=device, devices="cpu").spec
    assert (spec.device, spec.runtime, clip) == ("cpu", "openvino", [])


@pytest.mark.parametrize(
    ("device", "devices"),
    [("cpu", "gpu=1"), ("cpu", "gpu=2"), ("cuda:0", "gpu=2"), ("cuda", "cpu"), ("cuda:1", "cpu")],
)
def test_a_device_that_contradicts_devices_is_refused(clip, device: str, devices: str) -> None:
    with pytest.raises(ModelError, match=f"--device {device} and --devices {devices} contradict"):
        load_encoder("compact", device=device, devices=devices)
    assert clip == []


@pytest.mark.parametrize("devices", ["gpu", "gpu=", "gpu=0", "gpu=-1", "gpu=two", "cuda", ""])
def test_wrong_devices_are_refused(devices: str) -> None:
    with pytest.raises(ModelError, match=f"'{devices}' is not a choice of devices; use auto, cpu"):
        load_encoder("compact", devices=devices)


def test_several_gpus_need_torch(only, clip) -> None:
    with pytest.raises(ModelError, match="openvino runs on CPUs here"):
        load_encoder("compact", devices="gpu=2", runtime="openvino")
    only("open_clip")
    with pytest.raises(ModelError, match=r"'compact' needs torch.*lookalike\[clip\]"):
        load_encoder("compact", devices="gpu=2")
    assert clip == []


def test_a_gpu_runs_torch(clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "_GPU_DRIVERS", (tmp_path,))
    load_encoder("compact")
    assert [name for name, _ in clip] == ["compact"]


def test_a_driver_without_a_gpu_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "_GPU_DRIVERS", (tmp_path,))
    assert load_encoder("compact").spec.runtime == "openvino"


def test_without_torch_a_model_of_open_clip_says_what_to_install(only) -> None:
    only("open_clip")
    for name in ("ViT-B-32/laion2b_s34b_b79k", "hf-hub:org/model", "local-dir:models/mine"):
        with pytest.raises(ModelError, match=r"pip install 'lookalike\[clip\]'.*models export"):
            load_encoder(name)
    with pytest.raises(ModelError, match=r"'compact' needs torch"):
        load_encoder("compact", runtime="torch")
    assert load_encoder("compact").spec.runtime == "openvino"


def test_a_model_that_does_not_convert_stays_on_torch(clip) -> None:
    lines: list[str] = []
    load_encoder("local-dir:mine", notify=lines.append)
    assert lines == ["local-dir:mine does not convert"]
    assert clip == [("local-dir:mine", {"device": "auto", "precision": "auto"})]
    with pytest.raises(ModelError, match="local-dir:mine does not run on openvino"):
        load_encoder("local-dir:mine", runtime="openvino")


def test_wrong_runtimes_are_refused() -> None:
    with pytest.raises(ModelError, match="'tensorrt' is not a runtime; use auto, openvino, onnx"):
        load_encoder("compact", runtime="tensorrt")
    with pytest.raises(ModelError, match="openvino runs on CPUs here; use --device cpu"):
        load_encoder("compact", runtime="openvino", device="cuda")
