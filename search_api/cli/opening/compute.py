"""The options that say where and how a model computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

__all__ = ["ComputeArguments"]


@dataclass(frozen=True, kw_only=True)
class ComputeArguments:
    """Where and how a model computes, for every command that loads one."""

    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto"
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto"
    runtime: Annotated[
        str,
        typer.Option(
            envvar="LOOKALIKE_RUNTIME",
            help="auto, openvino, onnx or torch; auto is torch on a GPU and OpenVINO on a CPU.",
        ),
    ] = "auto"
    devices: Annotated[
        str,
        typer.Option(
            envvar="LOOKALIKE_DEVICES",
            help="auto, cpu or gpu=N: one process for each of N GPUs, which share the images.",
        ),
    ] = "auto"
