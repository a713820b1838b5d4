"""Clients of remove.bg, told another address and nothing else, against a service that really listens."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from server.scene import file_of, pixels_of, scene
from server.serving import Serving, serving

KEY = "secret-of-the-tests"

NPM_CLIENT = """
const paths = [require.resolve("remove.bg")];
const unirest = require(require.resolve("unirest", { paths }));
const post = unirest.post;
unirest.post = (url) => post(url.replace("https://api.remove.bg", process.argv[1]));
const client = require("remove.bg");
const [, base, apiKey, path, outputFile] = process.argv;
const common = { apiKey, size: "regular", type: "person", crop: true, crop_margin: "10px" };
(async () => {
  const base64img = require("fs").readFileSync(path, { encoding: "base64" });
  const file = await client.removeBackgroundFromImageFile({ ...common, path, outputFile });
  const packed = await client.removeBackgroundFromImageBase64({ ...common, base64img });
  const wrong = await client.removeBackgroundFromImageBase64({ ...common, base64img, scale: "5%" })
    .catch((errors) => errors);
  const same = file.base64img === packed.base64img;
  delete file.base64img;
  console.log(JSON.stringify({ file, same, wrong }));
})();
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("service"), "--api-keys", KEY, "--timeout", "120") as service:
        yield service


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(file_of(scene(), "JPEG"))
    return path


def check_cutout(data: bytes) -> None:
    alpha = pixels_of(data)[:, :, 3]
    assert alpha[5, 5] == 0
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] * 45 // 100] > 200


def test_removebg_from_pypi(service: Serving, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("removebg.removebg", reason="the client library removebg is not installed")
    import requests

    monkeypatch.setattr(library, "API_ENDPOINT", f"{service.url}/v1.0/removebg")
    monkeypatch.chdir(photo.parent)
    client = library.RemoveBg(KEY, str(photo.parent / "error.log"))
    client.remove_background_from_img_file(str(photo), size="full")
    cutout = (photo.parent / "photo.jpg_no_bg.png").read_bytes()
    check_cutout(cutout)
    packed = base64.b64encode(photo.read_bytes()).decode()
    client.remove_background_from_base64_img(packed, new_file_name="packed.png", bg_color="00ff00")
    green = pixels_of((photo.parent / "packed.png").read_bytes())
    assert np.abs(green[5, 5].astype(int) - (0, 255, 0)).max() <= 3
    with pytest.raises(requests.HTTPError, match="400"):
        client.remove_background_from_base64_img(packed, bg_color="blurple")
    with pytest.raises(requests.HTTPError, match="403"):
        library.RemoveBg("wrong", str(photo.parent / "error.log")).remove_background_from_img_file(str(photo))


def test_remove_bg_from_npm(service: Serving, photo: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if subprocess.run([node, "-e", 'require("remove.bg")'], capture_output=True, timeout=60).returncode:
        pytest.skip("the client library remove.bg is not where node looks (NODE_PATH)")
    result = tmp_path / "result.png"
    done = subprocess.run(
        [node, "-e", NPM_CLIENT, service.url, KEY, str(photo), str(result)],
        capture_output=True,
        timeout=120,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    pixels = pixels_of(result.read_bytes())
    assert pixels[0, 0, 3] == 0
    assert said["file"]["resultWidth"] == str(pixels.shape[1])
    assert said["file"]["creditsCharged"] == "0"
    assert said["file"]["detectedType"] == "other"
    assert said["same"]
    assert said["wrong"][0]["code"] == "invalid_scale"


def test_curl(service: Serving, photo: Path, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")

    def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        line = [curl, "-s", "-S", "--max-time", "120", *map(str, arguments), f"{service.url}/v1.0/removebg"]
        return subprocess.run(line, capture_output=True, timeout=150)

    key = ("-H", f"X-Api-Key: {KEY}")
    result = tmp_path / "no-bg.png"
    done = run(*key, "-F", f"image_file=@{photo}", "-F", "size=auto", "-f", "-o", result)
    assert done.returncode == 0, done.stderr
    check_cutout(result.read_bytes())
    packed = run(*key, "-H", "Accept: application/json", "-F", f"image_file=@{photo}", "-F", "size=auto")
    assert base64.b64decode(json.loads(packed.stdout)["data"]["result_b64"]) == result.read_bytes()
    headers = run(*key, "-D", "-", "-o", "/dev/null", "-F", f"image_file=@{photo}", "-F", "crop=true").stdout
    assert b"x-foreground-width: " in headers.lower()
    wrong = run("-H", "X-Api-Key: wrong", "-F", f"image_file=@{photo}", "-w", "%{http_code}")
    assert wrong.stdout.endswith(b"403")
    assert json.loads(wrong.stdout[:-3])["errors"][0]["code"] == "auth_failed"
    assert KEY not in service.said()
