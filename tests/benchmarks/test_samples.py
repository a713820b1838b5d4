"""Pairs of photo and mask are read from every layout, in order, and nothing is passed over in silence."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

samples = pytest.importorskip("benchmarks.samples", reason="needs the repository, not only the package")


def shard(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def fill(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def encoded(array: np.ndarray, mode: str | None = None) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_shard_is_read_in_its_own_order(tmp_path):
    path = shard(
        tmp_path / "some.tar",
        ("b.jpg", b"photo b"),
        ("b.png", b"mask b"),
        ("notes.txt", b"no part of the data"),
        (".hidden.png", b"neither"),
        ("a.png", b"mask a"),
        ("a.JPEG", b"photo a"),
    )
    assert list(samples.read(path)) == [("b", b"photo b", b"mask b"), ("a", b"photo a", b"mask a")]


def test_a_folder_of_shards_is_read_by_name(tmp_path):
    shard(tmp_path / "data-01.tar", ("b.jpg", b"1"), ("b.png", b"2"))
    shard(tmp_path / "data-00.tar", ("c.jpg", b"3"), ("c.png", b"4"))
    assert [sample.name for sample in samples.read(tmp_path)] == ["c", "b"]


def test_a_folder_of_pairs_is_read_by_name(tmp_path):
    fill(tmp_path, b_jpg=b"1", b_png=b"2", a_jpeg=b"3", a_png=b"4", README_md=b"")
    assert list(samples.read(tmp_path)) == [("a", b"3", b"4"), ("b", b"1", b"2")]


def test_two_folders_take_png_photos_too(tmp_path):
    fill(tmp_path / "images", a_png=b"photo", b_jpg=b"other")
    fill(tmp_path / "masks", a_png=b"mask", b_png=b"other mask")
    assert list(samples.read(tmp_path)) == [("a", b"photo", b"mask"), ("b", b"other", b"other mask")]


def test_photos_and_masks_without_a_partner_are_named(tmp_path):
    folder = fill(tmp_path / "pairs", a_jpg=b"1", b_jpg=b"1", c_jpg=b"1", c_png=b"2")
    with pytest.raises(samples.SamplesError, match="photo a and 1 more has no mask"):
        list(samples.read(folder))
    folder = fill(tmp_path / "masks only", a_png=b"2")
    with pytest.raises(samples.SamplesError, match="mask a has no photo"):
        list(samples.read(folder))
    path = shard(tmp_path / "some.tar", ("a.jpg", b""), ("a.png", b""), ("b.jpg", b""))
    with pytest.raises(samples.SamplesError, match="photo b has no mask"):
        list(samples.read(path))


def test_a_photo_in_two_formats_is_refused(tmp_path):
    fill(tmp_path, a_jpg=b"1", a_jpeg=b"1", a_png=b"2")
    with pytest.raises(samples.SamplesError, match=r"both a\.jpeg and a\.jpg"):
        list(samples.read(tmp_path))


def test_places_without_pairs_are_refused(tmp_path):
    with pytest.raises(samples.SamplesError, match="neither a file nor a folder"):
        list(samples.read(tmp_path / "nowhere"))
    with pytest.raises(samples.SamplesError, match="holds no pairs"):
        list(samples.read(tmp_path))
    with pytest.raises(samples.SamplesError, match="holds no pairs"):
        list(samples.read(shard(tmp_path / "empty.tar", ("notes.txt", b""))))


def test_what_is_not_a_whole_tar_file_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"no tar" * 200)
    with pytest.raises(samples.SamplesError, match="not a whole tar file"):
        list(samples.read(tmp_path / "photo.jpg"))
    path = shard(tmp_path / "cut.tar", ("a.jpg", b"1" * 5000), ("a.png", b"2" * 5000))
    path.write_bytes(path.read_bytes()[:7000])
    with pytest.raises(samples.SamplesError, match="not a whole tar file"):
        list(samples.read(path))


VALUES = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.mark.parametrize("mode", [None, "RGB", "RGBA", "LA"])
def test_masks_of_any_eight_bit_kind_are_read(mode):
    truth = samples.Sample("a", b"", encoded(VALUES, mode)).truth()
    assert truth.dtype == np.uint8
    assert np.array_equal(truth, VALUES)


def test_a_mask_of_two_values_is_black_and_white():
    truth = samples.Sample("a", b"", encoded(VALUES > 100)).truth()
    assert np.array_equal(truth, np.where(VALUES > 100, 255, 0))


def test_masks_that_are_not_eight_bits_are_refused():
    with pytest.raises(samples.SamplesError, match="mask of a is of mode"):
        samples.Sample("a", b"", encoded(VALUES.astype(np.uint16) * 257)).truth()


def test_what_is_not_an_image_is_named():
    sample = samples.Sample("a", b"no photo", encoded(VALUES)[:-30])
    with pytest.raises(samples.SamplesError, match="photo of a"):
        sample.picture()
    with pytest.raises(samples.SamplesError, match="mask of a"):
        sample.truth()


def test_a_photo_is_rgb():
    picture = samples.Sample("a", encoded(VALUES), b"").picture()
    assert (picture.mode, picture.size) == ("RGB", (4, 3))


def test_the_shared_shards_are_whole(shared):
    place = shared / "data" / "ecssd-300-00.tar"
    if not place.is_file():
        pytest.skip("needs the photos with masks in the shared folder")
    found = list(samples.read(place))
    assert len(found) == len({sample.name for sample in found}) == 300
    assert all(sample.picture().size[::-1] == sample.truth().shape for sample in found[:20])


def test_a_photo_taken_on_its_side_is_upright():
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    sample = samples.Sample("a", buffer.getvalue(), encoded(np.zeros((40, 20), np.uint8)))
    assert sample.picture().size == sample.truth().shape[::-1] == (20, 40)


def test_a_file_that_is_no_tar_gets_one_line(tmp_path):
    (tmp_path / "notes.md").write_text("# Notes")
    with pytest.raises(samples.SamplesError, match="is not a whole tar file") as refused:
        list(samples.read(tmp_path / "notes.md"))
    assert "\n" not in str(refused.value)
