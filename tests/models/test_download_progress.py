import io
import sys

import pytest

from rembolt.models.progress import default_progress, silent


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with default_progress() as progress:
        progress("u2net.onnx", 0, 1000)
        progress("u2net.onnx", 1000, 1000)
        progress("other.onnx", 5, None)
    shown = terminal.getvalue()
    assert "u2net.onnx" in shown
    assert "other.onnx" in shown
    assert capsys.readouterr().out == ""


def test_elsewhere_a_few_lines_are_enough(capsys):
    with default_progress() as progress:
        for done in range(1001):
            progress("u2net.onnx", done * 10_000, 10_000_000)
    streams = capsys.readouterr()
    lines = streams.err.splitlines()
    assert lines[0] == "rembolt: downloading u2net.onnx: 0.0 of 10.0 MB"
    assert lines[-1] == "rembolt: downloading u2net.onnx: 10.0 of 10.0 MB"
    assert 3 <= len(lines) <= 6
    assert streams.out == ""


def test_an_unknown_length_does_not_flood(capsys):
    with default_progress() as progress:
        for done in range(1000):
            progress("u2net.onnx", done, None)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_stderr_nothing_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    with default_progress() as progress:
        progress("u2net.onnx", 1, 2)
    assert progress is silent


@pytest.mark.parametrize("total", [None, 0, 10])
def test_silence(total, capsys):
    silent("u2net.onnx", 1, total)
    assert capsys.readouterr() == ("", "")
