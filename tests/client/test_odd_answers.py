"""`rembolt.client` before services that are busy, break down, or are none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from client.odd_server import answer, cutout, drip, hang_up, odd_server, refusal
from server.serving import free_port

from rembolt.client import Client, ServiceError, UnreachableError
from rembolt.client.errors import KINDS, error_of
from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.server.errors import OverloadedError, RateLimitedError, ServerError, code_of

# --- tries


BUSY = refusal("503 Service Unavailable", "overloaded", "8 requests are waiting.", "Retry-After: 0")


@pytest.mark.parametrize(
    "first",
    [
        BUSY,
        refusal("503 Service Unavailable", "out_of_time", "this took longer.", "Retry-After: 0"),
        answer("502 Bad Gateway", b"<html>nginx</html>"),
        answer("503 Service Unavailable", b"", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"),
        hang_up,
        cutout(b"only half of this arrives")[:-10],
        b"HTTP/1.1 2",
        b"\x00\x01 no HTTP at all \r\n\r\n",
    ],
    ids=["overloaded", "out of time", "bad gateway", "a date", "hung up", "half", "cut off", "nonsense"],
)
def test_a_request_is_tried_again(first: Any) -> None:
    with odd_server(first, cutout()) as server, Client(server.url, hash_first=False) as client:
        assert client.cutout(b"a photo").data == b"a picture"
    assert len(server.requests) == 2
    assert server.requests[0] == server.requests[1]
    assert server.requests[0].endswith(b"a photo")


def test_it_waits_as_long_as_it_is_asked_to() -> None:
    limited = refusal("429 Too Many Requests", "rate_limited", "wait.", "Retry-After: 1")
    with odd_server(limited, cutout()) as server, Client(server.url, hash_first=False) as client:
        start = time.monotonic()
        client.remove(b"a photo")
        assert time.monotonic() - start >= 1


def test_it_gives_up_after_the_last_try() -> None:
    with (
        odd_server(BUSY, BUSY, BUSY) as server,
        Client(server.url, hash_first=False, retries=2) as client,
        pytest.raises(OverloadedError, match="8 requests are waiting") as caught,
    ):
        client.remove(b"a photo")
    assert caught.value.retry_after == 1
    assert len(server.requests) == 3


def test_it_does_not_wait_for_what_is_past_its_time() -> None:
    limits = ("X-RateLimit-Limit: 10", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 3000")
    limited = refusal("429 Too Many", "rate_limited", "wait.", "Retry-After: 3000", *limits)
    with (
        odd_server(limited) as server,
        Client(server.url, hash_first=False) as client,
        pytest.raises(RateLimitedError) as caught,
    ):
        client.remove(b"a photo")
    assert (caught.value.retry_after, caught.value.rate) == (3000, (10, 0, 3000))


def test_what_does_not_pass_is_not_tried_again() -> None:
    gone = refusal("503 Service Unavailable", "weights_unavailable", "u2net is not here.")
    with (
        odd_server(gone, cutout()) as server,
        Client(server.url, hash_first=False) as client,
        pytest.raises(WeightsUnavailableError, match="u2net is not here"),
    ):
        client.remove(b"a photo")
    assert len(server.requests) == 1


@pytest.mark.parametrize("saying", [drip, lambda connection: time.sleep(3)], ids=["drips", "is silent"])
def test_an_answer_has_its_time(saying: Any) -> None:
    with (
        odd_server(saying) as server,
        Client(server.url, hash_first=False, timeout=0.5) as client,
        pytest.raises(UnreachableError, match=r"within 0\.5 seconds"),
    ):
        client.remove(b"a photo")


def test_nobody_there_is_one_sentence() -> None:
    url = f"http://user:secret@127.0.0.1:{free_port()}"
    with Client(url, retries=1) as client, pytest.raises(UnreachableError) as caught:
        client.remove(b"a photo")
    assert "rembolt serve" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 1


# --- other answers


@pytest.mark.parametrize(
    "saying",
    [
        answer("200 OK", b"<html>Welcome</html>", "Content-Type: text/html"),
        answer("200 OK", b"a picture", "Content-Type: image/png"),
        cutout(b""),
        cutout().replace(b"Width: 3", b"Width: x"),
        answer("301 Moved", b"", "Location: https://127.0.0.1/"),
        answer("404 Not Found", b"<html>Not found</html>"),
        answer("404 Not Found", b'{"error": "no"}'),
        answer("418 Teapot", b'{"error": {"code": 1, "message": []}}'),
        answer("400 Bad Request", b"[" * 100_000),
        refusal("404 Not Found", "not_found", "there is nothing under this path; see /docs."),
        refusal("500 Internal", "internal", "something went wrong.", "X-Request-Id: abc"),
        refusal("422 No", "of_the_future", "no."),
    ],
    ids=str,
)
def test_anything_else_is_told(saying: bytes) -> None:
    with (
        odd_server(saying) as server,
        Client(server.url, hash_first=False) as client,
        pytest.raises(ServiceError) as caught,
    ):
        client.remove(b"a photo")
    assert type(caught.value) is ServiceError
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ("abc" in str(caught.value)) == (b"abc" in saying)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"recipe": 1}', b'{"recipe": "../x"}', b'"'])
def test_a_recipe_that_is_none_is_told(body: bytes) -> None:
    with (
        odd_server(answer("200 OK", body)) as server,
        Client(server.url) as client,
        pytest.raises(ServiceError, match="no recipe"),
    ):
        client.remove(b"a photo")


def test_a_recipe_is_asked_for_once_and_forgotten_when_the_service_changes() -> None:
    recipe = answer("200 OK", b'{"recipe": "abc"}')
    unknown = refusal("404 Not Found", "unknown_address", "no result is kept.")
    sayings = (recipe, unknown, cutout(), unknown, cutout())
    with odd_server(*sayings) as server, Client(server.url) as client:
        client.remove(b"a photo", only_mask=True)
        client.remove(b"another", only_mask=True)
    first = [request.split(b" HTTP")[0] for request in server.requests]
    assert first[0] == b"GET /v1/recipe?only_mask=true"
    assert first[1].endswith(b"-abc")
    assert first[2] == first[4] == b"POST /v1/cutouts?only_mask=true"
    assert first[3].endswith(b"-" + b"0" * 16)  # the recipe of what was answered


def test_what_a_stranger_says_does_nothing_to_the_terminal() -> None:
    saying = refusal("422 No", "usage", "\x1b[2Jno\r\n" + "x" * 9999)
    with (
        odd_server(saying) as server,
        Client(server.url, hash_first=False) as client,
        pytest.raises(UsageError) as caught,
    ):
        client.remove(b"a photo")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) == 500


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_error_comes_back_as_itself(code: str) -> None:
    kind = KINDS[code]
    body = b'{"error": {"code": "%s", "message": "a sentence."}}' % code.encode()
    error = error_of("http://here", kind.http_status, {"retry-after": "7"}, body)
    assert type(error) is kind
    assert code_of(error) == code
    assert str(error) == "a sentence."
    assert getattr(error, "retry_after", 7) == 7


def test_the_service_has_no_error_that_the_client_does_not_know() -> None:
    def below(kind: type) -> Iterator[type]:
        for sub in kind.__subclasses__():
            yield from (sub, *below(sub))

    # Those of a dialect have its own codes, which this client never sees.
    own = {kind for kind in below(ServerError) if kind.__module__ == ServerError.__module__}
    assert own <= set(KINDS.values())
