"""Tokenizers without torch, that give the ids which open_clip's give."""

from __future__ import annotations

import gzip
import html
import string
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import regex
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from embeddings.errors import BrokenModelError
from embeddings.onnx.folder import ModelFolder, TokenizerConfig

__all__ = ["CLEANERS", "ClipTokenizer", "HubTokenizer", "TextTokenizer", "make_tokenizer"]

# The vocabulary of CLIP (Radford et al. 2021), from open_clip: docs/decisions and NOTICE.
_CLIP_VOCABULARY = Path(__file__).parent.parent / "data" / "clip_bpe.txt.gz"
_CLIP_MERGES = 49152 - 256 - 2
_START, _END = "<start_of_text>", "<end_of_text>"
# CLIP's pattern of words, less the two special tokens: a text that spells one out is a text.
_WORDS = regex.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextTokenizer(Protocol):
    """Turns texts into the tokens of a text tower."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenize texts; `[n, context]` int64, cut or padded to the context."""
        ...


def _repair(text: str) -> str:
    if text.isascii() and text.isprintable() and "&" not in text:
        return text.strip()  # nothing to repair, and most queries need no import of ftfy
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _one_space(text: str) -> str:
    return " ".join(_repair(text).split())


def _lower(text: str) -> str:
    return _one_space(text).lower()


def _canonicalize(text: str) -> str:
    plain = _repair(text).replace("_", " ").translate(_NO_PUNCTUATION).lower()
    return " ".join(plain.split())


CLEANERS: dict[str, Callable[[str], str]] = {
    "lower": _lower,
    "whitespace": _one_space,
    "canonicalize": _canonicalize,
}
"""Cleaning before tokenization, by open_clip's names."""


class ClipTokenizer:
    """The byte-pair encoding of CLIP.

    Texts are split into words here, since the library's own regular expressions know an earlier
    version of Unicode.

    Args:
        context_length: Tokens of a text, the start and the end token among them.
        clean: The name of a cleaner.
    """

    def __init__(self, context_length: int, clean: str = "lower") -> None:
        self._clean = CLEANERS[clean]
        self._context = context_length
        with gzip.open(_CLIP_VOCABULARY, "rt", encoding="utf-8") as file:
            # CLIP uses the first fifth of the file.
            merges = [_pair(line) for line in islice(file, 1, _CLIP_MERGES + 1)]
        letters = _byte_letters()
        words = [*letters, *(f"{letter}</w>" for letter in letters)]
        words += ["".join(pair) for pair in merges]
        self._start, self._end = len(words), len(words) + 1
        vocabulary = {word: place for place, word in enumerate([*words, _START, _END])}
        self._tokenizer = Tokenizer(BPE(vocabulary, merges, end_of_word_suffix="</w>"))
        self._tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenize texts; `[n, context]` int64, 0 after the end token."""
        words = [_WORDS.findall(self._clean(text)) for text in texts]
        tokens = np.zeros((len(words), self._context), np.int64)
        encoded = self._tokenizer.encode_batch(words, is_pretokenized=True)
        for row, each in zip(tokens, encoded, strict=True):
            ids = [self._start, *each.ids[: self._context - 2], self._end]
            row[: len(ids)] = ids
        return tokens


class HubTokenizer:
    """A tokenizer of the `tokenizers` library, from its own file.

    Args:
        path: A `tokenizer.json`.
        config: Its context length, cleaning and padding.

    Raises:
        BrokenModelError: The file can't be read as a tokenizer.
    """

    def __init__(self, path: Path, config: TokenizerConfig) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise BrokenModelError(f"{path.name} is not a tokenizer: {error}.") from error
        self._clean = CLEANERS[config.clean]
        self._zero_id = config.zero_id
        self._tokenizer.enable_truncation(config.context_length)
        self._tokenizer.enable_padding(length=config.context_length, pad_id=config.pad_id)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenize texts; `[n, context]` int64, cut or padded to the context."""
        encoded = self._tokenizer.encode_batch([self._clean(text) for text in texts])
        tokens = np.array([each.ids for each in encoded], np.int64)
        if self._zero_id is not None:
            tokens[tokens == self._zero_id] = 0
        return tokens


def make_tokenizer(folder: ModelFolder) -> TextTokenizer:
    """Make the tokenizer of a model folder.

    Raises:
        BrokenModelError: It is of an unknown kind, or its file is damaged.
    """
    config = folder.tokenizer
    if config.clean in CLEANERS:
        if config.kind == "clip":
            return ClipTokenizer(config.context_length, config.clean)
        if config.kind == "hub" and config.file is not None and config.file in folder.files:
            return HubTokenizer(folder.path / config.file, config)
    raise BrokenModelError(
        f"The model folder {str(folder.path)!r} has a tokenizer of an unknown kind "
        f"({config.kind!r}, {config.clean!r}); it needs another version of lookalike."
    )


def _pair(line: str) -> tuple[str, str]:
    first, second = line.split()
    return first, second


def _byte_letters() -> list[str]:
    """Return a printable character for each of the 256 bytes, in CLIP's (GPT-2's) order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    printable += range(ord("®"), ord("ÿ") + 1)
    others = 256 - len(printable)
    return [chr(code) for code in [*printable, *range(256, 256 + others)]]
