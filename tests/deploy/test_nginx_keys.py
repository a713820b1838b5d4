"""nginx in front of a service that knows its clients."""

from __future__ import annotations

from pathlib import Path

from deploy.figures import Counted, counted
from deploy.nginx_server import need_nginx, nginx_before
from deploy.uploads import photo_of, post, refusal
from PIL import Image
from server.serving import serving

KEY = "a-key"


def test_with_keys_nginx_answers_nothing_itself(tmp_path: Path, cat: Image.Image) -> None:
    need_nginx()
    body = photo_of(cat, 20)
    with (
        serving(tmp_path, environment={"REMBOLT_API_KEYS": KEY}) as service,
        nginx_before(tmp_path, service.url.removeprefix("http://")) as nginx,
        nginx.client() as client,
    ):
        for header in ({"X-Api-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"X-Api-Key": KEY}):
            status, cache, made = post(client, body, **header)
            assert (status, cache) == (200, "BYPASS")
            assert made.headers["cache-control"].startswith("private,")
        path = made.headers["content-location"]
        for _ in range(2):
            kept = client.get(path, headers={"X-Api-Key": KEY})
            assert (kept.status_code, kept.headers["x-cache"]) == (200, "BYPASS")
        for response in (
            post(client, body)[2],
            client.get(path),
            post(client, body, **{"X-Api-Key": "x"})[2],
        ):
            assert refusal(response) == (401, "key_required")
        moved = client.post("/v1/cutouts/", content=body)  # behind a service that trusts no proxy
        assert moved.headers["location"] == f"{nginx.url}/v1/cutouts"
        assert counted(service.url) == Counted(3, 1)  # those without the key are not let in to be counted


def test_with_rates_each_upload_is_counted(tmp_path: Path, cat: Image.Image) -> None:
    need_nginx()
    body = photo_of(cat, 21)
    with (
        serving(tmp_path, "--rate-limit", "1000", "--trusted-proxies", "127.0.0.1") as service,
        nginx_before(tmp_path, service.url.removeprefix("http://")) as nginx,
        nginx.client() as client,
    ):
        answers = [post(client, body) for _ in range(2)]
        assert [answer[:2] for answer in answers] == [(200, "MISS"), (200, "MISS")]
        assert all(answer[2].headers["x-ratelimit-limit"] == "1000" for answer in answers)
        assert counted(service.url) == Counted(2, 1)
