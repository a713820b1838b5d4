import io
import tarfile

import pytest
from PIL import Image

for module in ("torch", "cv2"):
    pytest.importorskip(module, reason="training has requirements of its own: training/requirements.txt")

import torch

from benchmarks.samples import SamplesError
from training.measure import measure
from training.photos import load


def shard(path, *files):
    with tarfile.open(path, "w") as tar:
        for name, image in files:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG" if name.endswith(".jpg") else "PNG")
            member = tarfile.TarInfo(name)
            member.size = len(buffer.getvalue())
            tar.addfile(member, io.BytesIO(buffer.getvalue()))


@pytest.fixture
def red(tmp_path):
    """The left half is red and the subject."""
    picture, mask = Image.new("RGB", (60, 40)), Image.new("L", (60, 40))
    picture.paste("red", (0, 0, 30, 40))
    mask.paste(255, (0, 0, 30, 40))
    shard(tmp_path / "red-00.tar", ("a.jpg", picture), ("a.png", mask))
    return tmp_path


def test_photos_are_rgb_from_the_file_to_the_network(red):
    class Red(torch.nn.Module):
        def forward(self, x):
            return x[:, :1] * 1000

    photos = load(red, ["red"])
    assert photos[0].picture[20, 10].tolist() == pytest.approx([254, 0, 0], abs=3)
    found = measure(Red(), photos, torch.device("cpu"))
    assert found["mae"] < 0.03
    assert found["max_f"] > 0.97


def test_a_mask_of_another_size_is_named(tmp_path):
    shard(tmp_path / "odd-00.tar", ("a.jpg", Image.new("RGB", (60, 40))), ("a.png", Image.new("L", (40, 60))))
    with pytest.raises(SamplesError, match="the photo of a"):
        load(tmp_path, ["odd"])


def test_only_so_many_are_decoded(red):
    assert len(load(red, ["red", "red"], most=1)) == 1
    assert len(load(red, ["red", "red"])) == 2
