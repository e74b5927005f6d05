"""Progress bars: what a build prints besides its bar."""

from __future__ import annotations

import pytest

from embeddings import FakeEncoder
from indexer.build import BuildProgress
from search_api.console import BuildBar
from search_api.console.console import err


def notes(progress: list[BuildProgress], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a build's bar that are notes."""
    with BuildBar(FakeEncoder().spec) as bar:
        for each in progress:
            bar.update(each)
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith(("fake on", "No GPU"))]


def test_a_long_build_on_a_cpu_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    progress = [
        BuildProgress(rows=rows, total=10_000, seconds=seconds)
        for rows, seconds in ((0, 2.0), (50, 7.0), (100, 12.0), (150, 17.0))
    ]
    model, warning = notes(progress, capsys)
    assert model == "fake on torch, fp32"
    # 100 rows in 10 s leave 9,900 rows for 990 s.
    assert warning == "No GPU found: the build takes about 16 minutes on this CPU."


def test_a_short_build_is_not_announced(capsys: pytest.CaptureFixture[str]) -> None:
    progress = [
        BuildProgress(rows=rows, total=1000, seconds=seconds)
        for rows, seconds in ((0, 2.0), (500, 12.0))
    ]
    assert notes(progress, capsys) == ["fake on torch, fp32"]


@pytest.mark.parametrize(
    ("stage", "words"),
    [("decoding", "held up by decoding images"), ("encoding", "held up by the model"), ("", "")],
)
def test_the_bar_names_what_holds_the_build_up(
    stage: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(err, "width", 200)
    with BuildBar(FakeEncoder().spec) as bar:
        bar.update(BuildProgress(rows=5, total=10, embedded=5, seconds=1.0, bottleneck=stage))
    text = capsys.readouterr().err
    assert "5 img/s" in text
    assert words in text
    assert ("held up" in text) is bool(words)
