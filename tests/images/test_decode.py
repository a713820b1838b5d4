"""Every format, bit depth and orientation becomes an upright 8-bit RGB picture."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from image_samples import chunk, colours, png, saved
from PIL import Image

from rembolt.errors import UnreadableImageError, UnsupportedImageError
from rembolt.images.decode import decode, picture_from_image
from rembolt.images.formats import SOURCE_FORMATS
from rembolt.images.raw import open_image

RGB = colours()
GREY = RGB[:, :, 0].copy()
OPAQUE_EDGE = np.where(np.arange(32) < 16, 255, np.arange(32) * 4).astype(np.uint8)
ALPHA = np.broadcast_to(OPAQUE_EDGE, (24, 32)).copy()


def as_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, None], 3, axis=2)


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("PNG", {}),
            ("BMP", {}),
            ("TIFF", {}),
            ("TIFF", {"compression": "tiff_lzw"}),
            ("TIFF", {"compression": "tiff_adobe_deflate"}),
            ("TIFF", {"compression": "packbits"}),
            ("WEBP", {"lossless": True}),
        ],
    )
    def test_lossless_formats_keep_every_pixel(self, name, options):
        picture = decode(saved(Image.fromarray(RGB), name, **options))
        assert picture.format == name
        assert picture.alpha is None
        assert picture.icc_profile is None
        assert np.array_equal(picture.pixels, RGB)

    @pytest.mark.parametrize(("name", "tolerance"), [("JPEG", 8), ("WEBP", 10), ("AVIF", 10)])
    def test_lossy_formats_come_close(self, name, tolerance):
        picture = decode(saved(Image.fromarray(RGB), name, quality=95))
        assert picture.format == name
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < tolerance

    def test_plain_jpeg_has_exactly_pillows_pixels(self):
        data = saved(Image.fromarray(RGB), "JPEG")
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(decode(data).pixels, np.asarray(image))

    def test_grey_jpeg(self):
        data = saved(Image.fromarray(GREY), "JPEG", quality=100)
        pixels = decode(data).pixels
        assert np.abs(pixels.astype(int) - as_rgb(GREY)).max() <= 3

    def test_progressive_jpeg(self):
        plain = decode(saved(Image.fromarray(RGB), "JPEG"))
        progressive = decode(saved(Image.fromarray(RGB), "JPEG", progressive=True))
        assert np.array_equal(plain.pixels, progressive.pixels)

    def test_gif_gives_its_first_frame(self):
        frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
        picture = decode(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
        assert picture.format == "GIF"
        assert np.array_equal(picture.pixels, np.asarray(frames[0]))

    def test_transparent_gif(self):
        image = Image.new("P", (2, 1))
        image.putpalette([10, 20, 30, 40, 50, 60])
        image.putpixel((1, 0), 1)
        picture = decode(saved(image, "GIF", transparency=1))
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[255, 0]]
        assert picture.pixels[0, 0].tolist() == [10, 20, 30]

    @pytest.mark.parametrize("name", ["WEBP", "AVIF", "PNG"])
    def test_animations_give_their_first_frame(self, name):
        frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
        picture = decode(saved(frames[0], name, save_all=True, append_images=frames[1:]))
        red, green, blue = picture.pixels.reshape(-1, 3).mean(axis=0)
        assert red > 240
        assert green < 15
        assert blue < 15

    def test_first_picture_of_an_mpo(self):
        frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
        picture = decode(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))
        assert picture.format == "JPEG"
        assert picture.pixels[:, :, 0].mean() > 240

    def test_heic(self):
        pillow_heif = pytest.importorskip("pillow_heif")
        buffer = io.BytesIO()
        pillow_heif.from_pillow(Image.fromarray(RGB)).save(buffer, quality=95)
        picture = decode(buffer.getvalue())
        assert picture.format == "HEIF"
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < 10

    def test_heic_without_its_extra_names_the_extra(self, monkeypatch):
        real_import = builtins.__import__

        def refuse(name, *rest):
            if name.startswith("pillow_heif"):
                raise ImportError(name)
            return real_import(name, *rest)

        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        monkeypatch.setattr(builtins, "__import__", refuse)
        header = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
        with pytest.raises(UnsupportedImageError, match=r'pip install "rembolt\[heif\]"'):
            decode(header)

    def test_the_extension_is_not_believed(self, tmp_path):
        path = tmp_path / "photo.jpg"
        path.write_bytes(saved(Image.fromarray(RGB), "PNG"))
        assert decode(path).format == "PNG"

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_any_bytes(self, kind):
        assert np.array_equal(decode(kind(saved(Image.fromarray(RGB), "PNG"))).pixels, RGB)

    @pytest.mark.parametrize("kind", [str, Path])
    def test_any_path(self, tmp_path, kind):
        path = tmp_path / "ein Photo ü.png"
        Image.fromarray(RGB).save(path)
        assert np.array_equal(decode(kind(path)).pixels, RGB)

    def test_the_table_of_formats_is_complete_and_unambiguous(self):
        extensions = [extension for known in SOURCE_FORMATS for extension in known.extensions]
        assert len(extensions) == len(set(extensions))
        assert {".jpg", ".png", ".webp", ".avif", ".tif", ".bmp", ".gif", ".heic"} <= set(extensions)


class TestSampleDepths:
    @pytest.mark.parametrize("interlaced", [False, True])
    @pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
    def test_grey_png(self, depth, interlaced):
        top = 2**depth - 1
        samples = (RGB[:, :, :1].astype(np.uint32) * top + 127) // 255
        expected = np.rint(samples[:, :, 0] * (255 / top)).astype(np.uint8)
        picture = decode(png(samples, depth=depth, colour_type=0, interlaced=interlaced))
        assert np.array_equal(picture.pixels, as_rgb(expected))

    @pytest.mark.parametrize("interlaced", [False, True])
    @pytest.mark.parametrize("depth", [1, 2, 4, 8])
    def test_palette_png(self, depth, interlaced):
        palette = colours(16, 16).reshape(-1, 3)[: 2**depth]
        indices = (np.arange(24 * 31).reshape(24, 31, 1) * 7) % len(palette)
        data = png(
            indices,
            depth=depth,
            colour_type=3,
            interlaced=interlaced,
            extra=chunk(b"PLTE", palette.tobytes()),
        )
        assert np.array_equal(decode(data).pixels, palette[indices[:, :, 0]])

    @pytest.mark.parametrize("interlaced", [False, True])
    def test_rgb_png_of_16_bits_keeps_the_high_byte(self, interlaced):
        samples = RGB.astype(np.uint32) * 257
        samples[0, 0] = (0x12FF, 0x0080, 0xFFFF)
        picture = decode(png(samples, depth=16, colour_type=2, interlaced=interlaced))
        assert np.array_equal(picture.pixels, samples >> 8)

    def test_rgba_png_of_16_bits(self):
        samples = np.concatenate([RGB, ALPHA[:, :, None]], axis=2).astype(np.uint32) * 257
        picture = decode(png(samples, depth=16, colour_type=6))
        assert np.array_equal(picture.pixels, RGB)
        assert np.array_equal(picture.alpha, ALPHA)

    def test_grey_and_alpha_png_of_16_bits(self):
        samples = np.stack([GREY, ALPHA], axis=2).astype(np.uint32) * 257
        picture = decode(png(samples, depth=16, colour_type=4))
        assert np.array_equal(picture.pixels, as_rgb(GREY))
        assert np.array_equal(picture.alpha, ALPHA)

    def test_16_bit_grey_is_scaled_and_rounded_not_clipped(self):
        samples = np.array([[0, 128, 129, 256, 32768, 65278, 65407, 65535]], np.uint16)
        expected = [[0, 0, 1, 1, 128, 254, 255, 255]]
        assert decode(saved(Image.fromarray(samples), "PNG")).pixels[:, :, 0].tolist() == expected
        assert decode(saved(Image.fromarray(samples), "TIFF")).pixels[:, :, 0].tolist() == expected
        assert picture_from_image(Image.fromarray(samples)).pixels[:, :, 0].tolist() == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0, 100, 255], [0, 100, 255]),
            ([0, 257, 65535], [0, 1, 255]),
            ([-5, 0, 65535], [0, 0, 255]),
            ([0, 500_000, 2_000_000], [0, 64, 255]),
        ],
    )
    def test_32_bit_integers_by_their_largest_value(self, values, expected):
        image = Image.fromarray(np.array([values], np.int32))
        assert decode(saved(image, "TIFF")).pixels[0, :, 0].tolist() == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.5, 1.0], [0, 128, 255]),
            ([0.0, 0.1, 0.2], [0, 26, 51]),
            ([-1.0, 0.0, 4.0], [0, 0, 255]),
            ([0.0, 127.5, 255.0], [0, 128, 255]),
            ([float("nan"), float("inf"), 1.0], [0, 0, 255]),
        ],
    )
    def test_floats_in_0_to_1_or_by_their_largest_value(self, values, expected):
        image = Image.fromarray(np.array([values], np.float32))
        assert decode(saved(image, "TIFF")).pixels[0, :, 0].tolist() == expected


class TestAlpha:
    @pytest.mark.parametrize(
        ("name", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})]
    )
    def test_rgba(self, name, options):
        image = Image.fromarray(np.dstack([RGB, ALPHA]))
        picture = decode(saved(image, name, **options))
        assert np.array_equal(picture.pixels, RGB)
        assert np.array_equal(picture.alpha, ALPHA)

    def test_grey_and_alpha(self):
        picture = decode(saved(Image.fromarray(np.dstack([GREY, ALPHA])), "PNG"))
        assert np.array_equal(picture.pixels, as_rgb(GREY))
        assert np.array_equal(picture.alpha, ALPHA)

    def test_opaque_everywhere_is_none(self):
        image = Image.fromarray(RGB).convert("RGBA")
        assert decode(saved(image, "PNG")).alpha is None

    @pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
    def test_transparent_level_of_a_grey_png(self, depth):
        samples = np.array([[[0], [1], [2 ** (depth - 1)], [1]]])
        value = chunk(b"tRNS", (1).to_bytes(2, "big"))
        picture = decode(png(samples, depth=depth, colour_type=0, extra=value))
        expected = np.where(samples[:, :, 0] == 1, 0, 255)
        assert picture.alpha is not None
        assert picture.alpha.tolist() == expected.tolist()

    @pytest.mark.parametrize(("depth", "factor"), [(8, 1), (16, 257)])
    def test_transparent_colour_of_an_rgb_png(self, depth, factor):
        samples = np.array([[[1, 2, 3], [1, 2, 4], [0, 2, 3]]]) * factor
        value = chunk(b"tRNS", (np.array([1, 2, 3]) * factor).astype(">u2").tobytes())
        picture = decode(png(samples, depth=depth, colour_type=2, extra=value))
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[0, 255, 255]]

    def test_palette_entries_with_alpha(self):
        palette = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60, 70, 80, 90])) + chunk(b"tRNS", b"\x00\x80")
        picture = decode(png(np.array([[[0], [1], [2]]]), depth=8, colour_type=3, extra=palette))
        assert picture.pixels.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[0, 128, 255]]


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
    def test_upright_with_its_alpha(self, orientation, name):
        image = Image.fromarray(np.dstack([RGB, ALPHA]))
        picture = decode(self.stored_as(image, orientation, name))
        assert (picture.width, picture.height) == (32, 24)
        assert np.array_equal(picture.pixels, RGB)
        assert np.array_equal(picture.alpha, ALPHA)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_jpeg(self, orientation):
        picture = decode(self.stored_as(Image.fromarray(RGB), orientation, "JPEG"))
        assert (picture.width, picture.height) == (32, 24)
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < 6

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_avif(self, orientation):
        picture = decode(self.stored_as(Image.fromarray(RGB), orientation, "AVIF"))
        assert (picture.width, picture.height) == (32, 24)
        assert np.abs(picture.pixels.astype(int) - RGB).mean() < 6

    @pytest.mark.parametrize("orientation", [0, 9, 60000])
    def test_nonsense_is_ignored(self, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        assert np.array_equal(decode(saved(Image.fromarray(RGB), "PNG", exif=exif)).pixels, RGB)

    def test_broken_exif_is_ignored(self):
        data = saved(Image.fromarray(RGB), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
        assert np.array_equal(decode(data).pixels, RGB)

    @staticmethod
    def stored_as(image: Image.Image, orientation: int, name: str) -> bytes:
        """The image as a camera held another way would store it."""
        undo = {
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }
        exif = Image.Exif()
        exif[0x0112] = orientation
        if orientation in undo:
            image = image.transpose(undo[orientation])
        options = {"lossless": True, "exact": True} if name == "WEBP" else {}
        if name in {"JPEG", "AVIF"}:
            options = {"quality": 95}
        return saved(image, name, exif=exif, **options)


class TestPillowImages:
    @pytest.mark.parametrize(
        "mode",
        ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"],
    )
    def test_every_mode_becomes_rgb_and_is_left_alone(self, mode):
        image = Image.fromarray(RGB).convert("L").convert("I").convert(mode) if mode == "I;16" else None
        if image is None:
            image = Image.new(mode, (5, 4)) if mode in {"LAB", "PA"} else Image.fromarray(RGB).convert(mode)
        before = (image.mode, image.size, image.tobytes(), dict(image.info))
        picture = picture_from_image(image)
        assert picture.image.mode == "RGB"
        assert picture.pixels.shape == (image.height, image.width, 3)
        assert (image.mode, image.size, image.tobytes(), dict(image.info)) == before

    def test_premultiplied_colours_become_straight(self):
        image = Image.new("RGBa", (1, 1), (50, 25, 0, 128))
        picture = picture_from_image(image)
        assert picture.pixels.tolist() == [[[99, 49, 0]]]
        assert picture.alpha is not None
        assert picture.alpha.tolist() == [[128]]

    def test_drawing_on_it_later_does_not_change_the_picture(self):
        image = Image.fromarray(RGB)
        picture = picture_from_image(image)
        image.paste((0, 0, 0), (0, 0, 32, 24))
        assert np.array_equal(picture.pixels, RGB)

    def test_orientation_is_applied(self, tmp_path):
        path = tmp_path / "photo.png"
        path.write_bytes(TestOrientation.stored_as(Image.fromarray(RGB), 6, "PNG"))
        with Image.open(path) as image:
            assert image.size == (24, 32)
            picture = picture_from_image(image)
            assert image.size == (24, 32)
        assert np.array_equal(picture.pixels, RGB)

    def test_no_pixels(self):
        with pytest.raises(UnreadableImageError, match="no pixels"):
            picture_from_image(Image.new("RGB", (0, 5)))

    def test_raw_image_keeps_mode_and_orientation(self):
        data = TestOrientation.stored_as(Image.fromarray(np.dstack([RGB, ALPHA])), 6, "PNG")
        image = open_image(data)
        assert image.mode == "RGBA"
        assert image.size == (24, 32)
        assert image.getexif()[0x0112] == 6

    def test_raw_image_outlives_its_file(self, tmp_path):
        for name in ("png", "tiff", "webp", "gif", "jpeg", "avif", "bmp"):
            path = tmp_path / f"photo.{name}"
            Image.fromarray(RGB).save(path)
            image = open_image(path)
            path.unlink()
            assert image.convert("RGB").copy().size == (32, 24)
            image.getexif()


class TestManners:
    def test_pillows_warnings_stay_off_the_terminal(self):
        data = png(RGB, depth=8, colour_type=2, extra=chunk(b"acTL", bytes(8)))
        with pytest.warns(UserWarning, match="APNG"), Image.open(io.BytesIO(data)):
            pass
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.array_equal(decode(data).pixels, RGB)

    def test_warnings_of_other_threads_are_not_touched(self):
        seen = []
        stop = threading.Event()
        data = saved(Image.fromarray(RGB), "PNG")

        def keep_decoding():
            while not stop.is_set():
                decode(data)

        worker = threading.Thread(target=keep_decoding)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *rest, **more: seen.append(str(message))
            worker.start()
            for number in range(200):
                warnings.warn(f"mine {number}", UserWarning, stacklevel=1)
            stop.set()
            worker.join()
        assert seen == [f"mine {number}" for number in range(200)]

    def test_the_process_wide_limit_of_pillow_is_left_alone(self, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert decode(saved(Image.fromarray(RGB), "PNG")).width == 32
        assert Image.MAX_IMAGE_PIXELS == 10

    def test_importing_is_light(self):
        heavy = ["PIL.ImageCms", "pillow_heif", "zipfile", "PIL.TiffImagePlugin", "concurrent.futures"]
        assert modules_loaded_by("import rembolt.images", heavy) == []

    def test_decoding_a_jpeg_imports_no_other_format(self):
        others = [
            "PIL.ImageCms",
            "PIL.PngImagePlugin",
            "PIL.TiffImagePlugin",
            "PIL.EpsImagePlugin",
            "pillow_heif",
        ]
        code = "from rembolt.images.decode import decode; decode(sys.stdin.buffer.read())"
        assert modules_loaded_by(code, others, saved(Image.fromarray(RGB), "JPEG")) == []


def modules_loaded_by(code: str, names: list[str], stdin: bytes = b"") -> list[str]:
    code = f"import sys; {code}; print(*[name for name in {names} if name in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, cwd=root, check=True
    )
    return done.stdout.decode().split()
