"""Whatever cannot be used is refused with one sentence that says what is wrong and what to do."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from image_samples import colours, header_bomb, saved
from PIL import Image

from rembolt.errors import ImageTooLargeError, InputError, UnreadableImageError, UnsupportedImageError
from rembolt.images.arrays import picture_from_array
from rembolt.images.decode import decode, picture_from_image
from rembolt.images.picture import Picture

PHOTO = Image.fromarray(colours(40, 50))
SMALL = Image.fromarray(colours(12, 9))


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


class TestFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(UnreadableImageError) as error:
            decode(tmp_path / "nothing.jpg")
        assert "nothing.jpg' does not exist; check the path" in sentence(error)

    def test_folder(self, tmp_path):
        with pytest.raises(UnreadableImageError) as error:
            decode(tmp_path)
        assert "is a folder" in sentence(error)

    def test_empty(self, tmp_path):
        path = tmp_path / "empty.jpg"
        path.touch()
        with pytest.raises(UnreadableImageError) as error:
            decode(path)
        assert "empty.jpg' is empty" in sentence(error)

    def test_text_called_jpg(self, tmp_path):
        path = tmp_path / "notes.jpg"
        path.write_text("Dear diary, " * 50)
        with pytest.raises(UnreadableImageError) as error:
            decode(path)
        assert "notes.jpg' is not an image; give a photo as JPEG, PNG" in sentence(error)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_permission_denied(self, tmp_path):
        path = tmp_path / "secret.png"
        path.write_bytes(saved(SMALL, "PNG"))
        path.chmod(0)
        with pytest.raises(UnreadableImageError) as error:
            decode(path)
        assert "change its permissions" in sentence(error)

    def test_a_name_no_file_can_have(self):
        with pytest.raises(UnreadableImageError):
            decode("a\0b.png")
        with pytest.raises(UnreadableImageError):
            decode("x" * 5000)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_a_pipe_is_read_like_a_file(self, tmp_path):
        import threading

        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(saved(SMALL, "PNG"),))
        writer.start()
        picture = decode(path)
        writer.join()
        assert picture.pixels.shape == (12, 9, 3)

    @pytest.mark.parametrize(
        ("start", "what"),
        [
            (b"%PDF-1.7", "PDF"),
            (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
            (b"8BPS\0\1", "Photoshop"),
            (b"<svg xmlns=", "SVG"),
            (b"  <!doctype html>", "web page"),
            (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "MP4"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        ],
    )
    def test_other_kinds_of_file_are_named(self, start, what):
        with pytest.raises(UnsupportedImageError) as error:
            decode(start.ljust(300, b"\0"))
        assert what in sentence(error)

    @pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "AVIF"])
    @pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9])
    def test_cut_short(self, name, part, tmp_path):
        noise = np.random.default_rng(1).integers(0, 255, (60, 60, 3), dtype=np.uint8)
        data = saved(Image.fromarray(noise), name)
        path = tmp_path / f"photo.{name.lower()}"
        path.write_bytes(data[: max(20, int(len(data) * part))])
        with pytest.raises(InputError) as error:
            decode(path)
        assert path.name in sentence(error)
        if name in {"JPEG", "PNG"} and part > 0.1:
            assert isinstance(error.value, UnreadableImageError)
            assert "broken or incomplete" in str(error.value)

    def test_a_lazily_opened_pillow_image_that_is_cut_short(self, tmp_path):
        path = tmp_path / "photo.jpg"
        data = saved(PHOTO, "JPEG", quality=95)
        path.write_bytes(data[: len(data) * 3 // 4])
        with Image.open(path) as image, pytest.raises(UnreadableImageError):
            picture_from_image(image)


class TestSizes:
    def test_the_limit_is_inclusive(self):
        assert decode(saved(SMALL, "PNG"), max_pixels=108).width == 9
        with pytest.raises(ImageTooLargeError):
            decode(saved(SMALL, "PNG"), max_pixels=107)

    @pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "AVIF"])
    def test_every_format_says_size_limit_and_remedy(self, name):
        with pytest.raises(ImageTooLargeError) as error:
            decode(saved(PHOTO, name), max_pixels=1000)
        text = sentence(error)
        assert "50 x 40" in text
        assert "1000" in text
        assert "max_pixels" in text
        assert "--max-pixels 2000" in text

    def test_images_and_arrays_too(self):
        with pytest.raises(ImageTooLargeError):
            picture_from_image(PHOTO, max_pixels=1000)
        with pytest.raises(ImageTooLargeError):
            picture_from_array(np.asarray(PHOTO), max_pixels=1000)

    @pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)])
    def test_a_png_that_claims_to_be_huge_is_refused_at_once(self, width, height):
        data = header_bomb(width, height)
        decode(saved(SMALL, "PNG"))
        tracemalloc.start()
        began = time.perf_counter()
        with pytest.raises(ImageTooLargeError):
            decode(data)
        seconds = time.perf_counter() - began
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert seconds < 0.5
        assert peak < 1_000_000

    @pytest.mark.skipif(os.name == "nt", reason="the resource module is of POSIX systems")
    @pytest.mark.parametrize("name", ["PNG", "BMP", "GIF", "JPEG", "WEBP"])
    def test_no_memory_is_taken_for_claimed_pixels(self, name):
        import resource

        bombs = {
            "PNG": header_bomb(60_000, 60_000),
            "BMP": self.with_size(saved(SMALL, "BMP"), 18, struct.pack("<ii", 60_000, 60_000)),
            "GIF": self.with_size(saved(SMALL, "GIF"), 6, struct.pack("<HH", 65_535, 65_535)),
            "JPEG": self.jpeg_bomb(),
            "WEBP": self.webp_bomb(),
        }
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ImageTooLargeError):
            decode(bombs[name])
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000

    @staticmethod
    def with_size(data: bytes, at: int, size: bytes) -> bytes:
        return data[:at] + size + data[at + len(size) :]

    def jpeg_bomb(self) -> bytes:
        data = saved(SMALL, "JPEG")
        return self.with_size(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", 65_500, 65_500))

    def webp_bomb(self) -> bytes:
        frames = [SMALL.convert("RGBA"), SMALL.convert("RGBA").rotate(90, expand=False)]
        data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
        return self.with_size(data, data.index(b"VP8X") + 12, (16_383 - 1).to_bytes(3, "little") * 2)

    def test_a_raised_limit_goes_beyond_pillows_own(self):
        # Over Pillow's own 179 megapixels: the size is let by, and then the pixels are missing.
        with pytest.raises(UnreadableImageError):
            decode(header_bomb(20_000, 10_000)[:-1000], max_pixels=10**9)


FILES = {
    "jpeg": saved(SMALL, "JPEG"),
    "cmyk": saved(SMALL.convert("CMYK"), "JPEG"),
    "png": saved(SMALL, "PNG"),
    "palette": saved(SMALL.convert("P"), "PNG", transparency=3),
    "webp": saved(SMALL, "WEBP"),
    "tiff": saved(SMALL, "TIFF", compression="tiff_lzw"),
    "raw tiff": saved(SMALL, "TIFF"),
    "gif": saved(SMALL, "GIF"),
    "bmp": saved(SMALL, "BMP"),
    "avif": saved(SMALL, "AVIF"),
}


EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A valid file with some bytes flipped, cut out or put in."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 6))):
        # Half of the changes hit the header, where the interesting fields are.
        end = draw(st.sampled_from([min(64, len(data)), len(data)]))
        at = draw(st.integers(0, max(end - 1, 0)))
        kind = draw(st.sampled_from(["flip", "set", "cut", "insert", "truncate", "number"]))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set" and data:
            data[at] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 16))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "truncate":
            del data[at:]
        elif kind == "number":
            data[at : at + 4] = draw(
                st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4, b"\xff\xff\xff\x7f"])
            )
    return bytes(data)


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_files(), st.booleans())
@example(b"\x89PNG\r\n\x1a\n", False)
@example(b"\xff\xd8\xff", False)
@example(b"BM", False)
@example(b"GIF89a", False)
@example(b"II*\0", False)
@example(b"RIFF\0\0\0\0WEBP", False)
@example(b"\0\0\0\x18ftypavif", False)
@example(b"\0\0\0\x18ftypheic", False)
def test_damaged_files_give_a_picture_or_one_of_our_errors(data, to_srgb):
    try:
        picture = decode(data, max_pixels=1_000_000, to_srgb=to_srgb)
    except InputError as error:
        message = str(error)
    else:
        message = None
    if message is not None:
        assert message.endswith(".")
        assert "\n" not in message
        return
    assert isinstance(picture, Picture)
    assert picture.pixels.shape == (picture.height, picture.width, 3)
    assert picture.alpha is None or picture.alpha.shape == (picture.height, picture.width)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_one_of_our_errors(data):
    with pytest.raises(InputError):
        decode(data)
