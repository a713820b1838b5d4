"""remove.bg's dialect: what each field does to the pixels."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from server.scene import SUBJECT, file_of, pixels_of, scene, seen

from rembolt.server.app import create_app
from rembolt.server.dialects.removebg.fields import read
from rembolt.server.dialects.removebg.schema import FIELDS
from rembolt.server.settings import ServerOptions
from rembolt.settings import SessionOptions

PHOTO = file_of(scene())
WIDTH, HEIGHT = 480, 360
PLACE = "/v1.0/removebg"
BLUE = file_of(Image.new("RGB", (30, 20), (10, 20, 200)))
GLASS = file_of(Image.new("RGBA", (30, 20), (10, 20, 200, 128)))


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    options = ServerOptions(workers=1, timeout=120, rate_limit=1_000_000)
    with TestClient(create_app(options, SessionOptions(threads=1))) as client:
        yield client


def ask(
    client: TestClient, photo: bytes = PHOTO, files: dict[str, bytes] | None = None, **fields: Any
) -> httpx.Response:
    answer = client.post(PLACE, data=fields, files={"image_file": photo, **(files or {})})
    assert answer.status_code == 200, answer.text
    return answer


def box_of(answer: httpx.Response) -> tuple[int, int, int, int]:
    """The subject's box as the headers say it: left, top, right, bottom."""
    left, top, width, height = (
        int(answer.headers[f"X-Foreground-{side}"]) for side in ("Left", "Top", "Width", "Height")
    )
    return left, top, left + width, top + height


def test_a_photo_gives_a_cut_out_and_says_where_its_subject_is(client: TestClient) -> None:
    answer = ask(client)
    pixels = pixels_of(answer.content)
    assert answer.headers["Content-Type"] == "image/png"
    assert pixels.shape == (HEIGHT, WIDTH, 4)
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == (str(WIDTH), str(HEIGHT))
    assert box_of(answer) == seen(pixels)
    truth = [part * side for part, side in zip(SUBJECT, (WIDTH, HEIGHT) * 2, strict=True)]
    assert box_of(answer) == pytest.approx(truth, abs=8)
    assert answer.headers["X-Credits-Charged"] == "0"
    assert answer.headers["X-Type"] == "other"
    assert answer.headers["X-RateLimit-Limit"] == "1000000"
    assert int(answer.headers["X-RateLimit-Remaining"]) < 1000000
    assert int(answer.headers["X-RateLimit-Reset"]) >= 0
    assert "X-Rembolt-Ignored" not in answer.headers


def test_all_bodies_and_sources_give_the_same_file(client: TestClient) -> None:
    packed = base64.b64encode(PHOTO).decode()
    expected = ask(client, crop="true").content
    bodies: list[dict[str, Any]] = [
        {"json": {"image_file_b64": packed, "crop": True, "roi": None, "bg_color": ""}},
        {"json": {"image_file_b64": f"data:image/png;base64,{packed.rstrip('=')}", "crop": "true"}},
        {"data": {"image_file_b64": packed, "crop": "1"}},
        {"data": {"crop": "1"}, "files": {"image_file_b64": (None, packed)}},
        {"params": {"crop": "true"}, "files": {"image_file": PHOTO, "bg_image_file": b""}},
        # A form whose sender did not escape what must be.
        {
            "content": f"crop=true&image_file_b64={packed}",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
    ]
    for body in bodies:
        answer = client.post(PLACE, **body)
        assert answer.status_code == 200, answer.text
        assert answer.content == expected


def test_json_is_answered_where_only_json_is_accepted(client: TestClient) -> None:
    plain = ask(client, crop="true", crop_margin="10px")
    answer = client.post(
        PLACE,
        data={"crop": "true", "crop_margin": "10px"},
        files={"image_file": PHOTO},
        headers={"Accept": "application/json"},
    )
    data = answer.json()["data"]
    assert base64.b64decode(data.pop("result_b64")) == plain.content
    left, top, right, bottom = box_of(plain)
    assert data == {
        "foreground_top": top,
        "foreground_left": left,
        "foreground_width": right - left,
        "foreground_height": bottom - top,
    }
    assert (left, top) == (10, 10)
    axios = client.post(
        PLACE, files={"image_file": PHOTO}, headers={"Accept": "application/json, text/plain, */*"}
    )
    assert axios.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("size", "most"), [("", 0.25), ("regular", 0.25), ("medium", 1.5), ("hd", 4), ("auto", 25)]
)
def test_size_limits_the_megapixels(client: TestClient, size: str, most: float) -> None:
    answer = ask(client, file_of(scene(1800, 1200), "JPEG"), size=size)
    width, height = Image.open(BytesIO(answer.content)).size
    assert (str(width), str(height)) == (answer.headers["X-Width"], answer.headers["X-Height"])
    expected = min(most * 1e6, 1800 * 1200)
    assert expected * 0.99 < width * height <= expected
    assert width / height == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, 0.25),
        ({"size": "small"}, 0.25),
        ({"size": "full"}, 10),
        ({"size": "4k", "format": "jpg"}, 25),
        ({"size": "full", "bg_color": "red"}, 25),
        ({"size": "full", "bg_color": "f008"}, 10),
        ({"size": "auto", "format": "webp"}, 25),
        ({"size": "50MP", "format": "zip"}, 50),
        ({"size": "50MP", "format": "png", "bg_color": "red"}, 10),
    ],
)
def test_a_png_has_ten_megapixels_at_most(fields: dict[str, str], most: float) -> None:
    assert read(fields, {}).settled(opaque_photo=False)[1] == most


def test_formats(client: TestClient) -> None:
    white = pixels_of(ask(client, format="jpg").content)
    assert white.shape == (HEIGHT, WIDTH, 3)
    assert white[5, 5].min() > 250
    webp = ask(client, format="webp")
    assert webp.headers["Content-Type"] == "image/webp"
    assert pixels_of(webp.content)[5, 5, 3] == 0
    answer = ask(client, format="zip", channels="alpha")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["X-Rembolt-Ignored"] == "channels"
    with ZipFile(BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]
        alpha, colour = pixels_of(archive.read("alpha.png")), pixels_of(archive.read("color.jpg"))
    cutout = pixels_of(ask(client).content)
    assert np.array_equal(alpha, cutout[:, :, 3])
    inside = alpha == 255
    assert np.abs(colour.astype(int) - cutout[:, :, :3])[inside].mean() < 4


def test_channels_alpha_is_the_mask(client: TestClient) -> None:
    answer = ask(client, channels="alpha", bg_color="red", add_shadow="true")
    assert np.array_equal(pixels_of(answer.content), pixels_of(ask(client).content)[:, :, 3])
    assert answer.headers["X-Rembolt-Ignored"] == "bg_color, add_shadow"


def test_outside_of_roi_nothing_is_left(client: TestClient) -> None:
    # Made four times smaller, and still counted in the pixels of the photo that was sent.
    photo = file_of(scene(1200, 900), "JPEG")
    for roi in ("540px 0px 1200px 900px", "45% 0% 100% 100%", "100% 100% 45% 0%"):
        answer = ask(client, photo, size="preview", roi=roi)
        alpha = pixels_of(answer.content)[:, :, 3]
        edge = 0.45 * alpha.shape[1]
        assert not alpha[:, : int(edge)].any()
        assert alpha[:, int(edge) + 2 : int(edge) + 40].max() > 200
        assert box_of(answer)[0] >= int(edge)


def test_roi_is_of_the_upright_photo(client: TestClient) -> None:
    lying = scene().transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = file_of(lying, "JPEG", exif=exif, quality=95)
    alpha = pixels_of(ask(client, photo, roi=f"0px 0px {WIDTH}px 180px").content)[:, :, 3]
    assert alpha.shape == (HEIGHT, WIDTH)
    assert not alpha[180:].any()
    assert alpha[:180].max() > 200


def test_crop_cuts_down_to_the_subject(client: TestClient) -> None:
    whole = ask(client)
    left, top, right, bottom = box_of(whole)
    cropped = ask(client, crop="true")
    assert np.array_equal(pixels_of(cropped.content), pixels_of(whole.content)[top:bottom, left:right])
    margins = ask(client, crop="true", crop_margin="10px 20px 30px 40px", scale="50%", position="original")
    pixels = pixels_of(margins.content)
    assert pixels.shape[:2] == (bottom - top + 40, right - left + 60)
    assert box_of(margins) == (40, 10, 40 + right - left, 10 + bottom - top)
    assert margins.headers["X-Rembolt-Ignored"] == "scale"
    assert ask(client, crop_margin="10px").headers["X-Rembolt-Ignored"] == "crop_margin"


def test_scale_and_position_move_the_subject(client: TestClient) -> None:
    large = ask(client, scale="100%")
    left, top, right, bottom = box_of(large)
    assert (top, bottom) == pytest.approx((0, HEIGHT), abs=2)
    assert (left + right) / 2 == pytest.approx(WIDTH / 2, abs=2)
    assert seen(pixels_of(large.content)) == box_of(large)
    corner = ask(client, scale="50%", position="100% 0%")
    left, top, right, bottom = box_of(corner)
    assert (top, right) == pytest.approx((0, WIDTH), abs=2)
    assert bottom == pytest.approx(HEIGHT / 2, abs=2)


@pytest.mark.parametrize(
    ("colour", "rgba"),
    [
        ("green", (0, 128, 0, 255)),
        ("81d4fa", (129, 212, 250, 255)),
        ("#fff", (255, 255, 255, 255)),
        ("81D4FA77", (129, 212, 250, 119)),
        ("f008", (255, 0, 0, 136)),
    ],
)
def test_bg_color_is_behind(client: TestClient, colour: str, rgba: tuple[int, ...]) -> None:
    answer = ask(client, bg_color=colour)
    opaque = rgba[3] == 255
    assert answer.headers["Content-Type"] == ("image/jpeg" if opaque else "image/png")
    pixels = pixels_of(answer.content).astype(int)
    expected = rgba[: pixels.shape[2]]
    assert np.abs(pixels[5, 5] - expected).max() <= 3
    assert np.abs(pixels[250, 200, :3] - np.asarray(scene())[250, 200]).max() <= 12


def test_a_photo_is_behind(client: TestClient) -> None:
    answer = ask(client, files={"bg_image_file": BLUE})
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert np.abs(pixels_of(answer.content)[5, 5].astype(int) - (10, 20, 200)).max() <= 3
    glass = ask(client, files={"bg_image_file": GLASS})
    assert glass.headers["Content-Type"] == "image/png"
    assert pixels_of(glass.content)[5, 5, 3] == 128


def test_a_shadow_falls_beside_the_subject(client: TestClient) -> None:
    bare = pixels_of(ask(client).content)
    drawn = {
        opacity: pixels_of(ask(client, shadow_type="drop", shadow_opacity=opacity).content)
        for opacity in ("20", "80")
    }
    beside = (bare[:, :, 3] == 0) & (drawn["80"][:, :, 3] > 60)
    assert beside.sum() > 500
    assert (drawn["80"][beside][:, :3] < 20).all()
    assert drawn["80"][beside][:, 3].mean() > 2.5 * drawn["20"][beside][:, 3].mean()
    old = ask(client, add_shadow="true")
    assert np.array_equal(pixels_of(old.content), pixels_of(ask(client, shadow_type="auto").content))
    assert box_of(old) == box_of(ask(client))
    none = ask(client, shadow_type="none", add_shadow="true", shadow_opacity="30")
    assert np.array_equal(pixels_of(none.content), bare)
    assert none.headers["X-Rembolt-Ignored"] == "shadow_opacity"


def test_what_changes_nothing_is_named(client: TestClient) -> None:
    answer = ask(
        client,
        files={"other": b"x"},
        type="car",
        type_level="none",
        semitransparency="false",
        shadow_type="3D",
        shadow_method="latest",
    )
    assert "X-Type" not in answer.headers
    named = answer.headers["X-Rembolt-Ignored"].split(", ")
    assert named == ["shadow_method", "other", "shadow_type", "type", "semitransparency"]


def test_names_of_unknown_fields_cannot_break_the_answer(client: TestClient) -> None:
    packed = base64.b64encode(PHOTO).decode()
    names = ["odd\r\nname", "ü", "x" * 99, *(f"field{number}" for number in range(50))]
    answer = client.post(PLACE, json={"image_file_b64": packed, **dict.fromkeys(names, 1)})
    assert answer.status_code == 200
    named = answer.headers["X-Rembolt-Ignored"].split(", ")
    assert named[:4] == ["odd??name", "?", "x" * 40, "field0"]
    assert named[19:] == ["field16", "..."]


def test_the_account_has_no_credits_to_lose(client: TestClient) -> None:
    attributes = client.get("/v1.0/account").json()["data"]["attributes"]
    assert attributes["credits"] == {"total": 0, "subscription": 0, "payg": 0, "enterprise": 0}
    assert attributes["api"] == {"free_calls": 0, "sizes": "all"}


def test_the_fields_are_in_the_api_document(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"][PLACE]["post"]["requestBody"]["content"]
    assert body["multipart/form-data"]["schema"]["properties"].keys() == FIELDS.keys()
