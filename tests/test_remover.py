"""The library: `remove`, `Remover`, `Cutout`, `new_session`, `OptimizedBackgroundRemover`."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import networks
import numpy as np
import pytest
from PIL import Image, ImageCms

import rembolt
from rembolt import OptimizedBackgroundRemover, RemboltError, Remover, new_session, remove
from rembolt.cutout.join import MultipliedRows, StraightRows
from rembolt.engine import session as session_module
from rembolt.errors import (
    DeviceError,
    ImageTooLargeError,
    UnreadableImageError,
    UnsupportedImageError,
    UsageError,
)
from rembolt.images.enlarge import Enlarged
from rembolt.images.rows import whole
from rembolt.models.catalogue import find_model
from rembolt.models.spec import ModelSpec
from rembolt.segmenters import opening


def png(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.fixture(autouse=True)
def _fresh_sessions() -> None:
    opening.clear_sessions()


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover()


class TestSameKindOut:
    def test_bytes(self, cat: Image.Image) -> None:
        result = remove(png(cat, "JPEG"))
        assert isinstance(result, bytes)
        image = Image.open(io.BytesIO(result))
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", cat.size)

    @pytest.mark.parametrize("kind", [bytearray, memoryview, io.BytesIO])
    def test_things_like_bytes(self, cat: Image.Image, kind: type) -> None:
        assert remove(kind(png(cat))) == remove(png(cat))

    def test_pillow(self, cat: Image.Image) -> None:
        result = remove(cat)
        assert isinstance(result, Image.Image)
        assert (result.mode, result.size) == ("RGBA", cat.size)

    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_path_gives_pillow(self, cat: Image.Image, tmp_path: Path, kind: type) -> None:
        cat.save(tmp_path / "cat.png")
        result = remove(kind(tmp_path / "cat.png"))
        assert isinstance(result, Image.Image)
        assert result.size == cat.size

    def test_arrays(self, cat: Image.Image) -> None:
        result = remove(np.asarray(cat))
        assert isinstance(result, np.ndarray)
        assert result.shape == (cat.height, cat.width, 4)
        assert result.dtype == np.uint8

    def test_all_agree(self, cat: Image.Image, tmp_path: Path) -> None:
        cat.save(tmp_path / "cat.png")
        pixels = remove(np.asarray(cat))
        assert np.array_equal(pixels, np.asarray(remove(cat)))
        assert np.array_equal(pixels, np.asarray(remove(tmp_path / "cat.png")))
        assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(remove(png(cat))))))

    @pytest.mark.parametrize("exact", [False, True])
    def test_masks(self, cat: Image.Image, exact: bool) -> None:
        mask = remove(cat, only_mask=True, exact=exact)
        assert mask.mode == "L"
        assert np.array_equal(remove(np.asarray(cat), only_mask=True, exact=exact), np.asarray(mask))

    @pytest.mark.parametrize(("format", "name"), [("webp", "WEBP"), ("jpg", "JPEG"), ("avif", "AVIF")])
    def test_bytes_in_other_formats(self, cat: Image.Image, format: str, name: str) -> None:
        assert Image.open(io.BytesIO(remove(png(cat), format=format))).format == name

    def test_other_things_are_told(self) -> None:
        with pytest.raises(UnsupportedImageError, match="bytes, a path, a Pillow image or a NumPy array"):
            remove(42)  # type: ignore[call-overload]


class TestStandardCutouts:
    def test_the_cat_is_found(self, cat: Image.Image, remover: Remover) -> None:
        alpha = remover.cutout(cat).alpha
        assert alpha[150, 240] > 200, "the cat's face"
        assert alpha[5, 5] < 50, "the corner"

    def test_colours_are_straight_so_there_is_no_dark_rim(self, cat: Image.Image, remover: Remover) -> None:
        cutout = remover.cutout(cat, decontaminate=False)
        visible = cutout.alpha > 0
        assert ((cutout.alpha > 0) & (cutout.alpha < 255)).any()
        assert np.array_equal(cutout.foreground[visible], np.asarray(cat)[visible])

    def test_opaque_colours_are_the_photos(self, cat: Image.Image, remover: Remover) -> None:
        cutout = remover.cutout(cat)
        opaque = cutout.alpha == 255
        assert opaque.mean() > 0.2
        assert np.array_equal(cutout.foreground[opaque], np.asarray(cat)[opaque])

    def test_nothing_of_the_background_is_left_in_the_file(self, cat: Image.Image, remover: Remover) -> None:
        cutout = remover.cutout(cat, post_process_mask=True)
        assert (cutout.alpha == 0).any()
        assert not cutout.foreground[cutout.alpha == 0].any()

    def test_putalpha_keeps_the_hidden_colours(self, cat: Image.Image, remover: Remover) -> None:
        cutout = remover.cutout(cat, putalpha=True)
        hidden = cutout.alpha == 0
        assert hidden.any()
        assert np.array_equal(cutout.foreground[hidden], np.asarray(cat)[hidden])
        all_of_it = remover.cutout(cat, putalpha=True, decontaminate=False)
        assert np.array_equal(all_of_it.foreground, np.asarray(cat))

    def test_the_profile_is_kept(self, cat: Image.Image, remover: Remover) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = png(cat, icc_profile=profile)
        assert remover.cutout(data).icc_profile == profile
        assert Image.open(io.BytesIO(remover.remove(data))).info["icc_profile"] == profile
        assert "icc_profile" not in Image.open(io.BytesIO(remover.remove(data, only_mask=True))).info

    def test_the_photos_own_alpha_is_multiplied(self, cat: Image.Image, remover: Remover) -> None:
        half = cat.copy()
        half.putalpha(128)
        whole, product = remover.cutout(cat).alpha, remover.cutout(half).alpha
        assert np.abs(product - whole * (128 / 255)).max() <= 0.51

    def test_exif_orientation_is_applied(self, cat: Image.Image, remover: Remover) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        cutout = remover.cutout(png(cat, exif=exif))
        assert cutout.alpha.shape == (cat.width, cat.height)

    def test_post_processing_makes_the_mask_hard(self, cat: Image.Image, remover: Remover) -> None:
        assert set(np.unique(remover.cutout(cat, post_process_mask=True).alpha)) == {0, 255}

    def test_decontaminating_changes_only_the_soft_edge(self, cat: Image.Image, remover: Remover) -> None:
        plain, clean = remover.cutout(cat), remover.cutout(cat, decontaminate=True)
        assert np.array_equal(plain.rgba, remover.cutout(cat, decontaminate=False).rgba), "the default"
        refined = remover.cutout(cat, refine="fast")
        assert np.array_equal(refined.rgba, remover.cutout(cat, refine="fast", decontaminate=True).rgba)
        soft = (plain.alpha > 0) & (plain.alpha < 255)
        assert np.array_equal(plain.alpha, clean.alpha)
        assert (plain.foreground != clean.foreground)[soft].any()
        assert not (plain.foreground != clean.foreground)[~soft].any()

    def test_the_edge_is_refined_where_that_is_asked_for(self, cat: Image.Image, remover: Remover) -> None:
        small = cat.resize((226, 150))
        alphas = {how: remover.cutout(small, refine=how).alpha for how in ("none", "fast", "best")}
        assert np.array_equal(alphas["none"], remover.cutout(small).alpha), "the default"
        for one, other in (("none", "fast"), ("none", "best"), ("fast", "best")):
            assert 0 < np.abs(alphas[one].astype(int) - alphas[other]).mean() < 15, (one, other)

    def test_alpha_matting_takes_more_care(self, cat: Image.Image, remover: Remover) -> None:
        small = cat.resize((226, 150))
        matted = remover.cutout(small, alpha_matting=True)
        assert not np.array_equal(matted.alpha, remover.cutout(small).alpha)
        assert not np.array_equal(
            matted.alpha, remover.cutout(small, alpha_matting=True, alpha_matting_erode_size=60).alpha
        )
        assert np.array_equal(matted.alpha, remover.cutout(small, alpha_matting=True, refine="none").alpha)

    def test_matting_with_nothing_sure_to_start_from_works(
        self, cat: Image.Image, remover: Remover, caplog: pytest.LogCaptureFixture
    ) -> None:
        small = cat.resize((60, 40))
        with caplog.at_level(logging.WARNING, "rembolt"):
            result = remover.cutout(small, alpha_matting=True, alpha_matting_erode_size=100)
        assert not caplog.records
        assert np.abs(result.alpha.astype(int) - remover.cutout(small).alpha).mean() < 30

    def test_a_background_colour(self, cat: Image.Image, remover: Remover) -> None:
        flat = np.asarray(remover.remove(cat, bgcolor=(0, 255, 0)))
        assert (flat[..., 3] == 255).all()
        transparent = remover.cutout(cat).alpha == 0
        assert (flat[transparent] == (0, 255, 0, 255)).all()

    def test_max_size_keeps_the_photos_own_colours(self, cat: Image.Image, remover: Remover) -> None:
        large = cat.resize((1800, 1200), Image.Resampling.BICUBIC)
        cutout = remover.cutout(large, max_size=400, decontaminate=False)
        visible = cutout.alpha > 0
        assert cutout.rgba.shape == (1200, 1800, 4)
        assert np.array_equal(cutout.foreground[visible], np.asarray(large)[visible])

    def test_max_size_with_refinement_keeps_the_detail_of_the_edge(
        self, cat: Image.Image, remover: Remover
    ) -> None:
        rng = np.random.default_rng(0)
        noisy = np.asarray(cat.resize((900, 600))).astype(int) + rng.integers(-20, 21, (600, 900, 1))
        photo = np.clip(noisy, 0, 255).astype(np.uint8)
        cutout = remover.cutout(photo, max_size=300, decontaminate=True)
        soft = (cutout.alpha > 20) & (cutout.alpha < 235)
        grain = [
            np.diff(image.astype(int).mean(axis=2), axis=1)[soft[:, 1:]].std()
            for image in (photo, cutout.foreground)
        ]
        assert grain[1] > 0.7 * grain[0], "shrinking and enlarging the colours would have smoothed it away"

    def test_its_alpha_is_the_exact_one_to_a_level(self, cat: Image.Image, astronaut: Image.Image) -> None:
        remover = Remover(precision="fp32")
        for photo in (cat, astronaut):
            standard, exact = (
                remover.cutout(photo, **how).alpha for how in ({"refine": "none"}, {"exact": True})
            )
            assert np.abs(standard.astype(int) - exact).mean() <= 1
            assert exact.mean() > 20

    @pytest.mark.parametrize("enlarged", [1, 3, 8])
    def test_the_same_answer_of_the_network_gives_the_exact_alpha_to_a_level(
        self, cat: Image.Image, remover: Remover, enlarged: int
    ) -> None:
        large = cat.resize((cat.width * enlarged, cat.height * enlarged))
        answer = np.asarray(Image.fromarray(remover.cutout(cat).alpha).resize((320, 320))) / np.float32(255)
        answer = np.clip(answer + np.linspace(0, 0.004, 320, dtype=np.float32), 0, 1)  # not whole levels
        rounded, cut = np.rint(answer * 255).astype(np.uint8), (answer * 255).astype(np.uint8)
        alpha = Enlarged(Image.fromarray(rounded), large.size, Image.Resampling.BICUBIC)
        standard = whole(StraightRows(large, alpha))[..., 3]
        exact = whole(MultipliedRows(large, Image.fromarray(cut)))[..., 3]
        assert 0 < np.abs(standard.astype(int) - exact).mean() <= 1

    def test_it_tells_what_ran_and_how_long(
        self, cat: Image.Image, remover: Remover, usual_precision: str
    ) -> None:
        cutout = remover.cutout(cat)
        assert (cutout.model, cutout.device, cutout.precision) == ("bolt", "cpu", usual_precision)
        assert {"decode", "prepare", "infer", "upsample", "foreground"} <= set(cutout.timings)
        assert all(seconds >= 0 for seconds in cutout.timings.values())

    def test_clothes_give_a_strip_and_a_category_one_picture(self, cat: Image.Image, tmp_path: Path) -> None:
        network = networks.saliency(tmp_path / "cloth.onnx", size=768, channels=4, window=9)
        home = tmp_path / "models" / "u2net_cloth_seg"
        home.mkdir(parents=True)
        network.rename(home / "u2net_cloth_seg.onnx")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REMBOLT_HOME", str(tmp_path))
            patch.setenv("MODEL_CHECKSUM_DISABLED", "1")
            clothes = Remover("u2net_cloth_seg")
        strip = clothes.cutout(cat)
        assert strip.rgba.shape == (3 * cat.height, cat.width, 4)
        parts = [clothes.cutout(cat, cloth_category=name).alpha for name in ("upper", "lower", "full")]
        assert np.array_equal(np.concatenate(parts), strip.alpha)

    def test_sam_prompts_stay_in_pixels_of_the_photo(self, cat: Image.Image, tmp_path: Path) -> None:
        folder = tmp_path / "models" / "sam"
        networks.sam_encoder(folder / "sam_vit_b_01ec64.encoder.onnx")
        networks.sam_decoder(folder / "sam_vit_b_01ec64.decoder.onnx")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REMBOLT_HOME", str(tmp_path))
            patch.setenv("MODEL_CHECKSUM_DISABLED", "1")
            sam = Remover("sam")
        asked = []
        decoder = sam._segmenter.decoder
        real = decoder.run
        decoder.run = lambda feeds: asked.append(feeds["point_coords"]) or real(feeds)
        prompt = [
            {"type": "point", "data": [400, 250], "label": 1},
            {"type": "rectangle", "data": [9, 8, 99, 88]},
        ]
        sam.cutout(cat, sam_prompt=prompt)
        sam.cutout(cat, sam_prompt=prompt, max_size=100)
        assert np.abs(asked[0] - asked[1]).max() < 8, "a pixel of the shrunk photo is ten of SAM's"
        assert asked[0][0, 0, 0] == pytest.approx(400 * 1024 / cat.width)

    def test_arrays_can_be_written_to(self, cat: Image.Image) -> None:
        for options in ({}, {"bgcolor": (1, 2, 3)}, {"only_mask": True}, {"exact": True}):
            assert remove(np.asarray(cat), **options).flags.writeable


class TestExactCutouts:
    def test_what_has_no_exact_form_is_one_of_our_errors(self, cat: Image.Image) -> None:
        with pytest.raises(UnsupportedImageError, match="leave exact off"):
            remove(cat.convert("F"), exact=True, putalpha=True)
        with pytest.raises(UnsupportedImageError, match="1 x 1 pixels has no exact form"):
            remove(Image.new("RGB", (1, 1), "red"), exact=True, decontaminate=True)

    def test_they_are_those_of_the_drop_in(self, cat: Image.Image) -> None:
        import rembolt.rembg

        assert np.array_equal(remove(cat, exact=True), rembolt.rembg.remove(cat))

    def test_as_a_cutout(self, cat: Image.Image, remover: Remover) -> None:
        assert np.array_equal(remover.cutout(cat, exact=True).rgba, np.asarray(remove(cat, exact=True)))


class TestSessions:
    def test_32_threads_build_one_session_of_each_network(
        self, cat: Image.Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built = []
        real = session_module.Session.__init__

        def counted(self: object, spec: ModelSpec, *args: object, **options: object) -> None:
            built.append(spec.name)
            real(self, spec, *args, **options)

        monkeypatch.setattr(session_module.Session, "__init__", counted)
        small = cat.resize((64, 48))
        with ThreadPoolExecutor(32) as pool:
            results = list(pool.map(lambda _: remove(small, refine="fast").tobytes(), range(32)))
        remove(small, refine="fast")
        assert sorted(built) == ["bolt", "edges-fast"]
        assert len(set(results)) == 1

    def test_a_session_is_reused(self, cat: Image.Image) -> None:
        session = new_session("bolt", threads=1)
        assert remove(cat, session=session).tobytes() == remove(cat).tobytes()
        assert new_session(model_name="bolt").model == "bolt"

    def test_a_sessions_options_are_fixed(self, cat: Image.Image) -> None:
        with pytest.raises(UsageError, match="device cannot be changed"):
            remove(cat, session=new_session(), device="cpu")

    def test_defaults_given_once_hold_for_every_call(self, cat: Image.Image) -> None:
        masks = Remover(only_mask=True)
        assert masks.remove(cat).mode == "L"
        assert masks.remove(cat, only_mask=False).mode == "RGBA"

    def test_a_device_that_is_not_there(self) -> None:
        with pytest.raises(DeviceError, match="'cuda' is not available"):
            Remover(device="cuda")

    def test_an_own_network_with_its_side_car(self, cat: Image.Image, tmp_path: Path) -> None:
        network = networks.saliency(tmp_path / "mine.onnx", size=128)
        network.with_suffix(".json").write_text('{"input_size": 128, "head": "sigmoid"}')
        own = Remover(str(network))
        assert own.model == "mine.onnx"
        assert own.cutout(cat).rgba.shape == (cat.height, cat.width, 4)

    def test_services_are_not_offered(self) -> None:
        with pytest.raises(UsageError, match="paid web service"):
            Remover("withoutbg")

    def test_vitmatte_is_no_model_of_its_own(self) -> None:
        with pytest.raises(UsageError, match="vitmatte=True"):
            Remover("vitmatte-small-distinctions-646")

    def test_custom_models_need_a_path(self) -> None:
        with pytest.raises(UsageError, match="model_path"):
            Remover("u2net_custom")


class TestMistakes:
    def test_the_nearest_option_is_named(self, cat: Image.Image) -> None:
        with pytest.raises(UsageError, match="did you mean 'alpha_matting'"):
            remove(cat, alpha_mating=True)

    def test_wrong_defaults_are_told_at_once(self) -> None:
        with pytest.raises(UsageError, match="max_size must be at least 16"):
            Remover(max_size=3)

    def test_limits(self, cat: Image.Image, remover: Remover) -> None:
        with pytest.raises(ImageTooLargeError, match="135300"):
            remover.cutout(cat, max_pixels=1000)

    @pytest.mark.parametrize("exact", [False, True])
    def test_no_such_file(self, remover: Remover, exact: bool) -> None:
        with pytest.raises(UnreadableImageError, match=r"nothing\.jpg"):
            remover.remove("nothing.jpg", exact=exact)

    def test_files_opened_as_text(self) -> None:
        with Path(__file__).open() as file, pytest.raises(UnsupportedImageError, match="binary mode"):
            remove(file)

    def test_closed_files(self) -> None:
        file = io.BytesIO(b"")
        file.close()
        with pytest.raises(UnreadableImageError, match="closed"):
            remove(file)

    def test_a_name_is_no_session(self, cat: Image.Image) -> None:
        with pytest.raises(UsageError, match="a name goes into model"):
            remove(cat, session="u2net")

    def test_numpy_numbers_are_numbers(self, cat: Image.Image, remover: Remover) -> None:
        cutout = remover.cutout(cat, max_size=np.int64(64), post_process_mask=np.bool_(True))
        assert set(np.unique(cutout.alpha)) >= {0, 255}


class TestMap:
    def test_results_come_in_order_with_errors_as_values(self, cat: Image.Image, remover: Remover) -> None:
        photos = [cat.resize((40 + size, 30)) for size in range(10)]
        results = list(remover.map([*photos[:4], b"no photo", *photos[4:]]))
        assert isinstance(results[4], UnreadableImageError)
        del results[4]
        assert [result.rgba.shape[1] for result in results] == [photo.width for photo in photos]

    def test_results_as_they_come(self, cat: Image.Image, remover: Remover) -> None:
        photos = [cat.resize((40 + size, 30)) for size in range(10)]
        results = remover.map(photos, workers=3, ordered=False)
        assert sorted(result.rgba.shape[1] for result in results) == [photo.width for photo in photos]

    def test_it_gives_what_one_by_one_gives(self, cat: Image.Image, remover: Remover) -> None:
        (result,) = remover.map([cat], workers=1)
        assert np.abs(result.rgba.astype(int) - remover.cutout(cat).rgba).max() <= 1

    @pytest.mark.parametrize(("asked", "expected"), [(None, 1), (2, 2)])
    def test_each_photo_has_its_share_of_the_cores(self, cat, asked, expected, monkeypatch) -> None:
        monkeypatch.setattr("rembolt.pipeline.usable_cores", lambda: 4)
        remover = Remover(threads=asked)
        seen = []
        real = Remover.cutout

        def cutout(self: Remover, image: Image.Image, **options: object) -> object:
            seen.append(self.inner_session.get_session_options().intra_op_num_threads)
            return real(self, image, **options)

        monkeypatch.setattr(Remover, "cutout", cutout)
        list(remover.map([cat.resize((40, 30))] * 3))
        assert seen == [expected] * 3

    def test_it_is_lazy(self, cat: Image.Image, remover: Remover) -> None:
        taken = 0

        def endless() -> object:
            nonlocal taken
            while True:
                taken += 1
                yield cat.resize((40, 30))

        results = remover.map(endless())
        assert taken == 0
        for _ in range(3):
            assert not isinstance(next(results), RemboltError)
        assert taken < 50
        results.close()

    def test_a_mistake_in_the_options_is_told_at_once(self, cat: Image.Image, remover: Remover) -> None:
        with pytest.raises(UsageError, match="max_size"):
            remover.map([cat, cat], max_size=1)


class TestOptimizedBackgroundRemover:
    def test_bgr_arrays_on_white(self, cat: Image.Image) -> None:
        remover = OptimizedBackgroundRemover("bolt")
        bgr = np.asarray(cat)[..., ::-1]
        result = remover.remove_background(bgr)
        assert result.shape == bgr.shape
        assert result.dtype == np.uint8
        alpha = remove(np.asarray(cat))[..., 3]
        assert (result[alpha == 0] == 255).all()
        assert np.array_equal(result[alpha == 255], bgr[alpha == 255])

    def test_it_keeps_the_detail_that_the_usual_recipe_loses(self, astronaut: Image.Image) -> None:
        noise = np.random.default_rng(0).integers(-20, 21, (900, 900, 3))
        photo = np.clip(np.asarray(astronaut.resize((900, 900))) + noise, 0, 255).astype(np.uint8)
        small = Image.fromarray(photo).resize((150, 150))
        usual = np.asarray(remove(small, bgcolor=(255, 255, 255)).convert("RGB").resize((900, 900)))
        ours = OptimizedBackgroundRemover("bolt", max_size=150).remove_background(photo[..., ::-1])[..., ::-1]
        subject = remove(photo, max_size=150)[..., 3] == 255
        assert subject.mean() > 0.1
        assert np.array_equal(ours[subject], photo[subject])
        assert np.abs(usual[subject].astype(int) - photo[subject]).mean() > 8

    def test_every_input_gives_the_same(self, cat: Image.Image, tmp_path: Path) -> None:
        remover = OptimizedBackgroundRemover(model_name="bolt", max_size=256)
        cat.save(tmp_path / "cat.png")
        expected = remover.remove_background(np.asarray(cat)[..., ::-1])
        for image in (cat, tmp_path / "cat.png", str(tmp_path / "cat.png")):
            assert np.array_equal(remover.remove_background(image), expected)

    def test_a_gpu_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(DeviceError, match="use_gpu"):
            OptimizedBackgroundRemover("bolt", use_gpu=True)


def test_masks_are_the_networks_own(cat: Image.Image, remover: Remover) -> None:
    (mask,) = remover.masks(cat, only_mask=True, refine="fast", feather=3.0)
    spec = find_model("bolt")
    assert (mask.mode, mask.size) == ("L", spec.input_size)
    (plain,) = remover.masks(cat)
    assert mask == plain  # what is made of them changes nothing
    enlarged = Image.fromarray(remover.cutout(cat, decontaminate=False).alpha)
    assert np.abs(np.asarray(mask.resize(cat.size), int) - np.asarray(enlarged)).mean() < 2
    (exact,) = remover.masks(cat, exact=True)
    assert exact != plain
    assert exact == Remover(exact=True).masks(cat)[0]
    with pytest.raises(UsageError, match="model"):
        remover.masks(cat, model="u2netp")


def test_the_public_names() -> None:
    assert dir(rembolt) == sorted(rembolt.__all__)
    for name in rembolt.__all__:
        assert getattr(rembolt, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = rembolt.nothing
