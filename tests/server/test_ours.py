"""Our own dialect, against a real application."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from server.conftest import Serve, encoded, noise

import rembolt
from rembolt.server import fields
from rembolt.server.app import create_app
from rembolt.server.settings import ServerOptions
from rembolt.setting import settings_of
from rembolt.settings import GROUPS, SessionOptions


def image_of(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def error_of(response: Any) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, error["code"], error["message"]


class TestPhotos:
    def test_a_form_a_raw_body_and_the_library_give_the_same_bytes(
        self, client: TestClient, cat_file: bytes
    ) -> None:
        by_form = client.post("/v1/cutouts", files={"file": ("../../etc/passwd", cat_file)})
        raw = client.post("/v1/cutouts", content=cat_file, headers={"Content-Type": "image/jpeg"})
        assert by_form.status_code == raw.status_code == 200
        assert by_form.content == raw.content == rembolt.remove(cat_file, threads=1)

    def test_what_curl_calls_a_form_is_a_photo(self, client: TestClient, cat_file: bytes) -> None:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/v1/cutouts", content=cat_file, headers=kind).status_code == 200

    def test_headers_say_what_was_done(self, client: TestClient) -> None:
        response = client.post("/v1/cutouts", content=encoded(noise(40, 30, seed=1)))
        headers = response.headers
        assert headers["content-type"] == "image/png"
        assert (headers["x-rembolt-width"], headers["x-rembolt-height"]) == ("40", "30")
        assert headers["x-rembolt-model"] == "bolt"
        assert headers["x-rembolt-device"] == "cpu"
        assert headers["x-rembolt-source"] == "computed"
        assert "infer;dur=" in headers["server-timing"]
        assert headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("form", ["png", "webp", "jpg", "avif", "zip"])
    def test_formats(self, client: TestClient, cat_file: bytes, form: str) -> None:
        response = client.post("/v1/cutouts", params={"format": form}, content=cat_file)
        assert response.status_code == 200
        if form == "zip":
            names = zipfile.ZipFile(BytesIO(response.content)).namelist()
            assert names == ["color.jpg", "alpha.png"]
        else:
            assert image_of(response.content).size == (451, 300)
            assert response.headers["content-type"] == f"image/{ {'jpg': 'jpeg'}.get(form, form) }"

    def test_options_from_the_form_and_from_the_query(self, client: TestClient, cat_file: bytes) -> None:
        asked = {"only_mask": "true", "max_size": "128", "cc": "", "post_process_mask": "1"}
        by_form = client.post("/v1/cutouts", files={"file": cat_file}, data=asked)
        by_query = client.post("/v1/cutouts", params=asked, content=cat_file)
        assert by_form.content == by_query.content
        assert image_of(by_form.content).mode == "L"

    def test_a_background_photo(self, client: TestClient, cat_file: bytes) -> None:
        blue = encoded(Image.new("RGB", (10, 10), (0, 0, 255)), "PNG")
        response = client.post("/v1/cutouts", files={"file": cat_file, "background_file": blue})
        pixels = np.asarray(image_of(response.content))
        assert (pixels[..., 3] == 255).all()
        assert (pixels[0, 0, :3] == (0, 0, 255)).all()

    def test_a_background_photo_is_read_within_the_limits(self, serve: Serve, cat_file: bytes) -> None:
        with serve(max_pixels=200_000) as client:
            large = encoded(Image.new("RGB", (1000, 1000)), "PNG")
            response = client.post("/v1/cutouts", files={"file": cat_file, "background_file": large})
            assert error_of(response)[:2] == (422, "image_too_large")


class TestAddresses:
    def test_a_result_is_found_under_its_address(self, client: TestClient) -> None:
        photo = encoded(noise(50, 40, seed=2))
        made = client.post("/v1/cutouts", content=photo, params={"format": "webp"})
        recipe = client.get("/v1/recipe", params={"format": "webp"}).json()["recipe"]
        path = f"/v1/cutouts/{hashlib.sha256(photo).hexdigest()}-{recipe}"
        assert made.headers["content-location"] == path
        kept = client.get(path)
        assert kept.content == made.content
        assert kept.headers["etag"] == made.headers["etag"]
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (
            client.post("/v1/cutouts", content=photo, params={"format": "webp"}).headers["x-rembolt-source"]
            == "memory"
        )

    def test_one_that_is_still_known_is_not_sent_again(self, client: TestClient) -> None:
        made = client.post("/v1/cutouts", content=encoded(noise(50, 40, seed=3)))
        path, tag = made.headers["content-location"], made.headers["etag"]
        for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            kept = client.get(path, headers={"If-None-Match": condition})
            assert (kept.status_code, kept.content) == (304, b"")
            assert kept.headers["etag"] == tag
        assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200

    def test_the_recipe_is_of_all_options(self, client: TestClient) -> None:
        def recipe(**options: str) -> str:
            found: str = client.get("/v1/recipe", params=options).json()["recipe"]
            return found

        assert recipe() == recipe(format="png") == recipe(refine="none")
        others = [recipe(format="webp"), recipe(refine="fast"), recipe(feather="2"), recipe(max_pixels="999")]
        assert len({recipe(), *others}) == 5

    @pytest.mark.parametrize("address", ["x", "0" * 64, f"{'0' * 64}-{'0' * 16}", "%2e%2e%2fpasswd"])
    def test_what_is_not_known_is_not_found(self, client: TestClient, address: str) -> None:
        status, code, _ = error_of(client.get(f"/v1/cutouts/{address}"))
        assert (status, code) in {(404, "unknown_address"), (404, "not_found")}

    def test_errors_are_not_kept(self, client: TestClient) -> None:
        for _ in range(2):
            assert error_of(client.post("/v1/cutouts", content=b"no photo"))[:2] == (415, "unreadable_image")

    def test_a_digest_is_held_to(self, client: TestClient) -> None:
        photo = encoded(noise(20, 20, seed=4))
        right = base64.b64encode(hashlib.sha256(photo).digest()).decode()
        wrong = base64.b64encode(hashlib.sha256(b"another").digest()).decode()

        def status(digest: str, **content: Any) -> int:
            headers = {"Content-Digest": digest}
            code: int = client.post("/v1/cutouts", headers=headers, **content).status_code
            return code

        assert status(f"sha-256=:{right}:", content=photo) == 200
        assert status(f"sha-256=:{wrong}:", content=photo) == 400
        assert status("md5=:AAAA:", content=photo) == 400
        assert status(f"sha-256=:{right}:", files={"file": photo}) == 400


class TestRefusals:
    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"refine": "nope"}, "refine must be one of none, fast, best"),
            ({"feather": "-1"}, "feather must be at least 0"),
            ({"feather": "many"}, "feather must be a number"),
            ({"colour": "red"}, "unknown option 'colour'"),
            ({"device": "cuda"}, "device is for the service's operator to set"),
            ({"model_path": "/etc/passwd"}, "model_path is for the service's operator to set"),
            ({"background": "/etc/passwd"}, "background must be a colour or blur"),
            ({"max_pixels": "999999999"}, "max_pixels must be at most 50000000 on this server"),
            ({"exact": "true", "feather": "2"}, "exact gives rembg's pixels"),
            ({"model": "/etc/passwd"}, "model must be a name"),
            ({"model": "own.onnx"}, "model must be a name"),
            ({"model": "u2net"}, "is not on this server"),
            ({"model": "nothing"}, "There is no model 'nothing'"),
            ({"vitmatte": "yes"}, "the weights for this are not on this server"),
        ],
    )
    def test_options(self, client: TestClient, cat_file: bytes, asked: dict[str, str], said: str) -> None:
        status, _, message = error_of(client.post("/v1/cutouts", params=asked, content=cat_file))
        assert status == 422
        assert said.lower() in message.lower()

    def test_an_option_given_twice(self, client: TestClient, cat_file: bytes) -> None:
        response = client.post("/v1/cutouts?quality=1&quality=2", content=cat_file)
        assert error_of(response)[2] == "'quality' is given twice; give it once."
        response = client.post("/v1/cutouts?quality=1", files={"file": cat_file}, data={"quality": "2"})
        assert error_of(response)[2] == "'quality' is given twice; give it once."

    def test_no_photo_and_two_photos(self, client: TestClient, cat_file: bytes) -> None:
        assert error_of(client.post("/v1/cutouts"))[0] == 400
        assert error_of(client.post("/v1/cutouts", data={"url": ""}))[0] == 400
        both = client.post("/v1/cutouts", files={"file": cat_file}, data={"url": "http://example.org"})
        assert error_of(both)[0] == 400
        other = client.post("/v1/cutouts", files={"photo": cat_file})
        assert error_of(other)[2] == "unknown file 'photo'; send file and background_file alone."

    def test_urls_are_not_fetched(self, client: TestClient) -> None:
        response = client.post("/v1/cutouts", json={"url": "http://example.org/a.jpg"})
        assert error_of(response)[:2] == (403, "fetching_off")

    def test_photos_over_the_limits(self, serve: Serve) -> None:
        with serve(max_pixels=1000, max_bytes=100_000, max_aspect=3) as client:
            many = encoded(noise(40, 40))
            long = encoded(noise(80, 10))
            assert error_of(client.post("/v1/cutouts", content=many))[:2] == (422, "image_too_large")
            assert error_of(client.post("/v1/cutouts", content=long))[:2] == (422, "image_too_large")
            assert error_of(client.post("/v1/cutouts", content=bytes(100_001)))[:2] == (413, "body_too_large")

    def test_animations_with_many_frames(self, serve: Serve) -> None:
        frames = [noise(8, 8, seed) for seed in range(6)]
        buffer = BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
        with serve(max_frames=5) as client:
            status, _, message = error_of(client.post("/v1/cutouts", content=buffer.getvalue()))
            assert status == 422
            assert "more frames than the limit of 5" in message

    @pytest.mark.parametrize("path", ["/v1/nothing", "/../etc/passwd"])
    def test_other_paths(self, client: TestClient, path: str) -> None:
        assert error_of(client.get(path))[:2] == (404, "not_found")

    def test_other_methods(self, client: TestClient) -> None:
        assert error_of(client.delete("/v1/cutouts"))[:2] == (405, "method_not_allowed")

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(name=st.sampled_from(sorted(settings_of(*GROUPS))), value=st.text(max_size=20))
    def test_whatever_an_option_says(self, client: TestClient, name: str, value: str) -> None:
        response = client.post("/v1/cutouts", files={"file": b"no photo"}, data={name: value})
        assert response.status_code in {400, 415, 422}


class TestKeys:
    def test_a_key_is_needed_where_there_are_some(self, serve: Serve) -> None:
        photo = encoded(noise(16, 16, seed=5))
        with serve(api_keys="first, second") as client:
            for headers in (
                {},
                {"X-Api-Key": "third"},
                {"X-Api-Key": "firs"},
                {"Authorization": "Basic first"},
            ):
                refused = client.post("/v1/cutouts", content=photo, headers=headers)
                assert error_of(refused)[:2] == (401, "key_required")
            for headers in ({"X-Api-Key": "second"}, {"Authorization": "Bearer first"}):
                answered = client.post("/v1/cutouts", content=photo, headers=headers)
                assert answered.status_code == 200
                assert answered.headers["cache-control"].startswith("private")
            address = answered.headers["content-location"]
            assert client.get(address).status_code == 401
            assert client.get("/health").status_code == 200


class TestRates:
    def test_more_than_the_limit_is_refused(self, serve: Serve) -> None:
        with serve(rate_limit=1) as client:
            photo = encoded(noise(1000, 900, seed=6))
            first = client.post("/v1/cutouts", params={"max_size": "64"}, content=photo)
            assert first.headers["x-ratelimit-limit"] == "1"
            assert client.post("/v1/cutouts", content=photo).status_code == 200  # what is left is overdrawn
            third = client.post("/v1/cutouts", content=photo)
            assert error_of(third)[:2] == (429, "rate_limited")
            assert int(third.headers["retry-after"]) > 1
            assert third.headers["x-ratelimit-remaining"] == "0"


class TestDocumentation:
    def test_openapi_has_every_option(self, client: TestClient) -> None:
        paths = client.get("/openapi.json").json()["paths"]
        post = paths["/v1/cutouts"]["post"]
        described = {parameter["name"] for parameter in post["parameters"]}
        form = post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert described == set(fields.NAMES) <= set(form)
        assert described | set(fields.OPERATORS) == set(settings_of(*GROUPS))

    def test_limits_and_choices_are_in_it(self, client: TestClient) -> None:
        post = client.get("/openapi.json").json()["paths"]["/v1/cutouts"]["post"]
        schema = {parameter["name"]: parameter["schema"] for parameter in post["parameters"]}
        assert schema["refine"]["enum"] == ["none", "fast", "best"]
        assert (schema["quality"]["minimum"], schema["quality"]["maximum"]) == (1, 100)

    def test_models(self, client: TestClient) -> None:
        models = client.get("/v1/models").json()["models"]
        assert [model["name"] for model in models] == ["bolt"]  # no others are on this machine

    def test_the_page(self, client: TestClient) -> None:
        assert client.get("/docs").status_code == 200


class TestTrouble:
    def test_a_default_model_that_does_not_work_is_said_and_not_explained(self, cat_file: bytes) -> None:
        app = create_app(ServerOptions(), SessionOptions(model="u2net", offline=True))
        with TestClient(app) as client:
            for _ in range(200):
                ready = client.get("/ready")
                if ready.json()["status"] != "starting":
                    break
            assert (ready.status_code, client.get("/health").status_code) == (503, 200)
            answer = client.post("/v1/cutouts", content=cat_file)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            for said in (ready.text, answer.text):
                assert "does not work" in said
                assert "u2net" not in said
