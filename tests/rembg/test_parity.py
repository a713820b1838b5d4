"""`rembolt.rembg` gives the pixels of the installed rembg: not one differs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rembolt
import rembolt.rembg as ours
from rembolt.rembg.sessions import sessions_names

theirs = pytest.importorskip("rembg", reason="rembg is not installed, so there is nothing to compare with")

MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "only_mask": {"only_mask": True},
    "post_process_mask": {"post_process_mask": True},
    "post_processed_only_mask": {"post_process_mask": True, "only_mask": True},
    "alpha_matting": {"alpha_matting": True},
    "alpha_matting_thresholds": {
        "alpha_matting": True,
        "alpha_matting_foreground_threshold": 200,
        "alpha_matting_background_threshold": 60,
        "alpha_matting_erode_size": 3,
    },
    "alpha_matting_no_erosion": {"alpha_matting": True, "alpha_matting_erode_size": 0},
    "alpha_matting_impossible": {"alpha_matting": True, "alpha_matting_erode_size": 60},
    "alpha_matting_impossible_putalpha": {
        "alpha_matting": True,
        "alpha_matting_erode_size": 60,
        "putalpha": True,
    },
    "decontaminate": {"decontaminate": True},
    "putalpha": {"putalpha": True},
    "vitmatte": {"vitmatte": True},
    "vitmatte_putalpha": {"vitmatte": True, "putalpha": True},
    "bgcolor": {"bgcolor": (10, 200, 30, 255)},
    "bgcolor_half": {"bgcolor": (10, 200, 30, 120), "post_process_mask": True},
}


def as_pixels(result: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(result)) if isinstance(result, bytes) else result)


def assert_same(
    data: Any, model: str, options: dict[str, Any], session: dict[str, Any] | None = None
) -> None:
    expected = theirs.remove(data, session=theirs.new_session(model, **(session or {})), **options)
    found = ours.remove(data, session=ours.new_session(model, **(session or {})), **options)
    assert type(found) is type(expected)
    if isinstance(expected, Image.Image):
        assert found.mode == expected.mode
    expected, found = as_pixels(expected), as_pixels(found)
    assert found.shape == expected.shape
    assert np.count_nonzero(found != expected) == 0


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def photo(cat: Image.Image) -> Image.Image:
    # Small, because matting is slow, and of uneven sides, to catch swapped axes.
    return cat.resize((151, 97))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["bytes", "pillow", "array"])
def test_every_mode_for_every_kind_of_input(photo: Image.Image, mode: str, kind: str) -> None:
    data = {"bytes": encoded(photo, "JPEG"), "pillow": photo, "array": np.asarray(photo)}[kind]
    assert_same(data, "u2netp", MODES[mode])


@pytest.mark.parametrize(
    "model",
    [
        "u2net",
        "u2net_human_seg",
        "silueta",
        "isnet-general-use",
        "isnet-anime",
        "birefnet-general",
        "birefnet-general-lite",
        "bria-rmbg",
    ],
)
@pytest.mark.parametrize("mode", ["default", "only_mask", "post_process_mask"])
def test_every_family(astronaut: Image.Image, model: str, mode: str) -> None:
    assert_same(astronaut.resize((301, 403)), model, MODES[mode])


@pytest.mark.parametrize("model", ["u2net_custom", "dis_custom", "ben_custom"])
def test_own_weights(photo: Image.Image, model: str, model_home: Path) -> None:
    path = str(model_home / "models" / model / f"{model}.onnx")
    assert_same(photo, model, {}, {"model_path": path})


@pytest.mark.parametrize(
    "options", [{}, {"cc": "upper"}, {"cloth_category": "lower"}, {"cc": "full"}, {"cc": "attire"}]
)
@pytest.mark.parametrize("mode", ["default", "only_mask", "putalpha", "bgcolor", "decontaminate"])
def test_clothes(photo: Image.Image, options: dict[str, Any], mode: str) -> None:
    assert_same(photo, "u2net_cloth_seg", {**MODES[mode], **options})


@pytest.mark.parametrize("kind", ["bytes", "array"])
def test_clothes_strip_of_other_kinds(astronaut: Image.Image, kind: str) -> None:
    data = encoded(astronaut) if kind == "bytes" else np.asarray(astronaut)
    assert_same(data, "u2net_cloth_seg", {})


@pytest.mark.parametrize(
    "prompt",
    [
        None,
        [{"type": "point", "data": [40, 60], "label": 1}],
        [{"type": "point", "data": [40, 60], "label": 1}, {"type": "point", "data": [5.5, 7], "label": 0}],
        [{"type": "rectangle", "data": [10, 12, 120, 80], "label": 1}],
    ],
)
@pytest.mark.parametrize("size", [(151, 97), (97, 151), (1200, 500)])
def test_sam(cat: Image.Image, prompt: Any, size: tuple[int, int]) -> None:
    options = {"sam_prompt": prompt} if prompt else {}
    assert_same(cat.resize(size), "sam", {"only_mask": True, **options})


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "LA", "1", "I;16"])
@pytest.mark.parametrize("how", ["default", "only_mask", "decontaminate", "alpha_matting"])
def test_images_of_other_modes(photo: Image.Image, mode: str, how: str) -> None:
    if (mode, how) == ("LA", "alpha_matting"):
        pytest.skip("rembg fails on it; the test below shows that ours does not")
    if mode == "RGBA":
        image = photo.copy()
        image.putalpha(Image.linear_gradient("L").resize(photo.size))
    elif mode == "I;16":
        image = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 200)
    else:
        image = photo.convert(mode)
    assert_same(image, "u2netp", MODES[how])


def test_matting_of_grey_with_alpha_works(photo: Image.Image) -> None:
    result = ours.remove(photo.convert("LA"), session=ours.new_session("u2netp"), alpha_matting=True)
    assert result.mode == "RGBA"
    assert result.size == photo.size


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_putalpha_on_other_modes(photo: Image.Image, mode: str) -> None:
    assert_same(photo.convert(mode), "u2netp", {"putalpha": True})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_put_right(photo: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_same(encoded(photo, "JPEG", exif=exif), "u2netp", {})


def test_black_and_flat_pictures() -> None:
    assert_same(Image.new("RGB", (64, 48)), "u2netp", {})
    assert_same(np.full((48, 64, 3), 200, np.uint8), "u2netp", {"post_process_mask": True})


def test_one_pixel(cat: Image.Image) -> None:
    assert_same(cat.resize((1, 1)), "u2netp", {})


def test_forced_bytes(photo: Image.Image) -> None:
    data = np.frombuffer(encoded(photo), np.uint8)
    assert_same(data, "u2netp", {"force_return_bytes": True})


def test_profile_is_kept_where_rembg_keeps_it(photo: Image.Image) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(photo, "JPEG", icc_profile=profile)
    found = Image.open(io.BytesIO(ours.remove(data, session=ours.new_session("u2netp"), putalpha=True)))
    assert found.info["icc_profile"] == profile


def test_the_callers_image_is_never_changed(photo: Image.Image) -> None:
    before = photo.tobytes()
    ours.remove(photo, session=ours.new_session("u2netp"), putalpha=True)
    assert photo.mode == "RGB"
    assert photo.tobytes() == before


def test_one_session_can_be_lent_to_the_other(photo: Image.Image) -> None:
    session = theirs.new_session("u2netp")
    assert np.array_equal(ours.remove(photo, session=session), theirs.remove(photo, session=session))


def test_all_names_of_rembg_are_there() -> None:
    from rembg.sessions import sessions_names as their_names

    assert set(their_names) <= set(sessions_names)


def test_real_weights_on_real_photos(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2NET_HOME", str(shared / "models"))
    for path in sorted((shared / "photos").glob("*.jpg")):
        for options in ({}, {"only_mask": True}, {"post_process_mask": True}, {"bgcolor": (0, 0, 255, 255)}):
            assert_same(path.read_bytes(), "u2netp", options)


@pytest.mark.parametrize("mode", ["alpha_matting", "decontaminate", "putalpha"])
def test_real_weights_with_slow_refinements(shared: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("U2NET_HOME", str(shared / "models"))
    for path in sorted((shared / "photos").glob("*.jpg")):
        with Image.open(path) as photo:
            small = photo.convert("RGB")
        small.thumbnail((400, 400))  # rembg's matting takes minutes at full size
        for data in (encoded(small), small, np.asarray(small)):
            assert_same(data, "u2netp", MODES[mode])


def test_rembgs_own_expected_picture(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagehash = pytest.importorskip("imagehash")
    monkeypatch.setenv("U2NET_HOME", str(shared / "models"))
    data = (shared / "photos" / "anime-girl-1.jpg").read_bytes()
    found = Image.open(io.BytesIO(ours.remove(data, session=ours.new_session("u2netp"))))
    expected = Image.open(shared / "photos" / "anime-girl-1.rembg-u2netp.png")
    difference = np.asarray(found.getchannel("A")).astype(int) - np.asarray(expected.getchannel("A"))
    assert np.abs(difference).mean() < 1
    for hashed in (imagehash.average_hash, imagehash.dhash, imagehash.whash):
        assert hashed(found) == hashed(expected)
    # phash reads the colours under the transparent pixels too, where the weights' rounding to fp16 shows
    # (rembg itself is 2 bits of 64 away with these weights); on white it sees what people see.
    assert imagehash.phash(on_white(found)) == imagehash.phash(on_white(expected))
    from_rembg = Image.open(io.BytesIO(theirs.remove(data, session=theirs.new_session("u2netp"))))
    assert imagehash.phash(found) == imagehash.phash(from_rembg)


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def test_unknown_models_are_value_errors_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'u2netp'"):
        ours.new_session("u2netpp")
    with pytest.raises(ValueError, match="not one of rembg's sessions"):
        ours.new_session("vitmatte-small-distinctions-646")


def test_own_session_classes_can_be_added(photo: Image.Image, model_home: Path) -> None:
    from rembg.sessions import sessions_class as their_classes
    from rembg.sessions.base import BaseSession as TheirBase

    from rembolt.rembg.sessions import sessions_class
    from rembolt.rembg.sessions.base import BaseSession

    def own(base: type) -> type:
        class Own(base):
            def predict(self, img: Image.Image, *args: Any, **kwargs: Any) -> list[Image.Image]:
                feeds = self.normalize(img, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), (320, 320))
                mask = self.inner_session.run(None, feeds)[0][0, 0]
                return [Image.fromarray((mask.clip(0, 1) * 255).astype(np.uint8)).resize(img.size)]

            @classmethod
            def download_models(cls, *args: Any, **kwargs: Any) -> str:
                return str(model_home / "models" / "silueta" / "silueta.onnx")

            @classmethod
            def name(cls, *args: Any, **kwargs: Any) -> str:
                return "own"

        return Own

    classes = [(their_classes, own(TheirBase)), (sessions_class, own(BaseSession))]
    for known, made in classes:
        known.append(made)
    try:
        assert_same(photo, "own", {})
    finally:
        for known, made in classes:
            known.remove(made)


class Own:
    """A session with nothing but masks of its own, given one by one."""

    def __init__(self, *masks: Image.Image) -> None:
        self.masks = masks

    def predict(self, img: Image.Image, *args: Any, **kwargs: Any) -> Iterator[Image.Image]:
        img.load()[0, 0] = img.getpixel((1, 1))  # sessions may change what they get
        yield from self.masks


@pytest.mark.parametrize("mode", ["L", "1", "RGBA", "LA"])
@pytest.mark.parametrize(
    "options", [{}, {"only_mask": True}, {"bgcolor": (1, 2, 3, 255)}], ids=lambda options: "-".join(options)
)
@pytest.mark.parametrize("kind", ["bytes", "pil", "array"])
def test_masks_of_own_sessions(photo: Image.Image, mode: str, options: dict[str, Any], kind: str) -> None:
    mask = photo.convert("L").point(lambda level: 255 * (level > 90)).convert(mode)
    if "A" in mode:
        mask.putalpha(photo.getchannel("G"))
    data = {"bytes": encoded(photo), "pil": photo, "array": np.array(photo)}[kind]
    found, expected = (library.remove(data, session=Own(mask), **options) for library in (ours, theirs))
    assert np.array_equal(as_pixels(found), as_pixels(expected))


@pytest.mark.parametrize("mode", ["L", "1"])
def test_masks_of_another_size_are_refused_but_given_back(photo: Image.Image, mode: str) -> None:
    session = Own(Image.new(mode, (10, 8), 1))
    for library in (ours, theirs):
        with pytest.raises(ValueError, match="do not match"):
            library.remove(photo, session=session)
        assert library.remove(photo, session=session, only_mask=True).size == (10, 8)


@pytest.mark.parametrize("size", [(40, 30), (900, 700)])
def test_results_may_be_written_to(photo: Image.Image, size: tuple[int, int]) -> None:
    large = photo.resize(size)
    session = ours.new_session("bolt")
    for result in (
        ours.remove(large, session=session),
        ours.remove(large, session=session, only_mask=True),
        rembolt.remove(large),
        session.predict(large)[0],
    ):
        result.load()[0, 0] = result.getpixel((1, 1))


def test_own_weights_outside_the_model_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="within the models directory"):
        ours.new_session("u2net_custom", model_path=str(tmp_path / "mine.onnx"))


def test_remove_without_a_session_uses_the_embedded_model(photo: Image.Image) -> None:
    assert np.array_equal(ours.remove(photo), ours.remove(photo, session=ours.new_session("bolt")))
