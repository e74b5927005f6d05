"""Conversion of an open_clip folder into one that transformers' CLIPModel loads: same weights.

`python huggingface_clip.py MODEL_FOLDER BPE_FILE OUT`. It takes the plain CLIP architecture, with a
ViT as its image tower.
"""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Letters and digits stand for themselves in byte-level BPE; other bytes for letters from U+0100.
_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_MERGES = 49152 - 256 - 2

_TOWERS = (("visual.transformer", "vision_model"), ("transformer", "text_model"))
_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_RENAMED = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "logit_scale": "logit_scale",
}


def _weights(given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the weights by transformers' names."""
    for ours, theirs in _RENAMED.items():
        yield theirs, given[ours]
    yield "visual_projection.weight", given["visual.proj"].T.contiguous()
    yield "text_projection.weight", given["text_projection"].T.contiguous()
    for ours, theirs in _TOWERS:
        layers = sum(key.endswith("ln_1.weight") and key.startswith(f"{ours}.") for key in given)
        for number in range(layers):
            source, target = f"{ours}.resblocks.{number}", f"{theirs}.encoder.layers.{number}"
            for part in ("weight", "bias"):
                for before, after in _LAYER.items():
                    yield f"{target}.{after}.{part}", given[f"{source}.{before}.{part}"]
                joined = given[f"{source}.attn.in_proj_{part}"].chunk(3)
                for name, value in zip("qkv", joined, strict=True):
                    yield f"{target}.self_attn.{name}_proj.{part}", value.contiguous()


def _config(model: dict[str, Any]) -> dict[str, Any]:
    """Return transformers' configuration of open_clip's."""
    vision, text = model["vision_cfg"], model["text_cfg"]
    return {
        "projection_dim": model["embed_dim"],
        "vision_config": {
            "hidden_size": vision["width"],
            "intermediate_size": 4 * vision["width"],
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": vision["width"] // 64,
            "image_size": vision.get("image_size", 224),
            "patch_size": vision["patch_size"],
            "projection_dim": model["embed_dim"],
            "hidden_act": "gelu",
        },
        "text_config": {
            "hidden_size": text["width"],
            "intermediate_size": 4 * text["width"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"],
            "projection_dim": model["embed_dim"],
            "hidden_act": "gelu",
            "bos_token_id": 49406,
            "eos_token_id": 49407,
        },
    }


def _write_tokenizer(bpe_file: str, folder: Path) -> None:
    """Write `vocab.json` and `merges.txt` from open_clip's vocabulary."""
    letters = [chr(byte) for byte in _PRINTABLE]
    letters += [chr(256 + number) for number in range(256 - len(_PRINTABLE))]
    with gzip.open(bpe_file, "rt", encoding="utf-8") as file:
        merges = file.read().split("\n")[1 : _MERGES + 1]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    words += ["".join(merge.split()) for merge in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))


def _main(model_folder: str, bpe_file: str, out: str) -> None:
    transformers: Any = importlib.import_module("transformers")
    safetensors: Any = importlib.import_module("safetensors.torch")
    source, folder = Path(model_folder), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "open_clip_config.json").read_text())
    given = safetensors.load_file(source / "open_clip_model.safetensors")
    model = transformers.CLIPModel(transformers.CLIPConfig(**_config(config["model_cfg"])))
    missing, unexpected = model.load_state_dict(dict(_weights(given)), strict=False)
    if unexpected or [name for name in missing if "position_ids" not in name]:
        raise RuntimeError(f"the weights do not fit: {missing} {unexpected}")
    size = config["preprocess_cfg"]["size"]
    side = size if isinstance(size, int) else size[0]
    images = transformers.CLIPImageProcessor(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    _write_tokenizer(bpe_file, folder)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    transformers.CLIPProcessor(images, tokenizer).save_pretrained(folder)
    model.save_pretrained(folder)


if __name__ == "__main__":
    _main(*sys.argv[1:])
