"""Batch-norm folding: quicker convolutional towers with the same vectors."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_batch_norms"]


def fold_batch_norms(module: nn.Module) -> None:
    """Fold every batch norm that directly follows a convolution into it, in place.

    "Follows" is read off the order in which a module registers its children, which is the order of
    computation in timm's towers but need not be elsewhere: compare vectors before and after.
    """
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if (
            isinstance(child, nn.BatchNorm2d)
            and previous is not None
            and isinstance(previous[1], nn.Conv2d)
            and previous[1].out_channels == child.num_features
        ):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            # timm's batch norms carry the activation that follows them.
            setattr(module, name, getattr(child, "act", None) or nn.Identity())
            previous = None
        else:
            fold_batch_norms(child)
            previous = (name, child)
