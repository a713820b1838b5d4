"""Lines that say how far a video is, where there is no terminal."""

from __future__ import annotations

import re

import pytest

from rembolt.video import progress


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (40, r"rembolt: 10 of 40 frames, [\d.]+ a second, \d+ s left\n"),
        (10, r"rembolt: 10 of 10 frames, [\d.]+ a second\n"),
        (None, r"rembolt: 10 frames, [\d.]+ a second\n"),
    ],
)
def test_lines(monkeypatch, capsys, total, said):
    monkeypatch.setattr(progress, "LINE_SECONDS", 1e-9)
    with progress.default_progress(total) as show:
        show(10)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(said, err)


def test_no_lines_for_a_short_while(capsys):
    with progress.default_progress(3) as show:
        for done in range(3):
            show(done)
    assert capsys.readouterr() == ("", "")


def test_silence(capsys):
    with progress.silent(3) as show:
        show(1)
    assert capsys.readouterr() == ("", "")
