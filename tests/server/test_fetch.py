"""Redirects are followed with care, and what comes must be a photo of a decent size."""

from __future__ import annotations

import asyncio

import pytest
from server.visits import AMPLE, PHOTO, fetched, only_here, refused, visit
from server.web_site import Site, count_connections, head, moved, ok, site, use_names

from rembolt.errors import RemboltError, UnreadableImageError, UnsupportedImageError
from rembolt.server.errors import BodyTooLargeError, FetchFailedError, FetchRefusedError
from rembolt.server.fetch import Fetcher


def test_a_photo_is_fetched() -> None:
    body, here = visit(ok(PHOTO, "Content-Type: text/plain"))
    assert body == PHOTO
    assert here.connections == 1


# Redirects.


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("location", ["/new", "new", "//127.0.0.1:{port}/new", "http://127.0.0.1:{port}/new"])
def test_redirects_are_followed(status: str, location: str) -> None:
    def answer(here: Site) -> bytes:
        here.answers["/new"] = ok(PHOTO)
        return moved(location.replace("{port}", str(here.port)), status)

    body, here = visit(answer)
    assert body == PHOTO
    assert here.connections == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "//169.254.169.254/latest/meta-data/",
        "http://missing.example/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "data:image/png;base64,iVBORw0KGgo=",
        "javascript:alert(1)",
        "http://user:secret@127.0.0.1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://[",
        "http://127.0.0.1:99999/",
    ],
)
def test_redirects_are_checked_like_what_was_given(location: str) -> None:
    async def main() -> None:
        async with site("") as here:
            use_names()
            opened = count_connections()
            here.answers["/"] = moved(location.replace("{port}", str(here.port)))
            with pytest.raises(FetchRefusedError) as caught:
                await fetched(f"http://127.0.0.1:{here.port}/")
            assert opened == ["127.0.0.1"]
            assert here.connections == 1
            assert "secret" not in str(caught.value)

    asyncio.run(main())


def test_three_redirects_are_followed_and_four_are_not() -> None:
    async def main() -> None:
        async with site() as here:
            here.answers |= {f"/{hop}": moved(f"/{hop - 1}") for hop in range(1, 6)}
            here.answers["/0"] = ok(PHOTO)
            assert await fetched(f"http://127.0.0.1:{here.port}/3") == PHOTO
            here.requests.clear()
            with pytest.raises(FetchRefusedError, match="more than 3 times"):
                await fetched(f"http://127.0.0.1:{here.port}/4")
            assert len(here.requests) == 4

    asyncio.run(main())


def test_a_circle_of_redirects_ends() -> None:
    assert "more than 3 times" in refused(moved("/photo"), FetchRefusedError)


def test_a_redirect_to_nowhere_fails() -> None:
    assert "where to" in refused(head("302 Found", "Content-Length: 0"), FetchFailedError)


# What comes.


@pytest.mark.parametrize(
    "status", ["201 Made", "204 Nothing", "206 Part", "300 Many", "304 Same", "404 No", "500 Oh"]
)
def test_only_status_200_counts(status: str) -> None:
    assert status[:3] in refused(head(status, "Content-Type: image/png") + PHOTO, FetchFailedError)


def test_the_limit_is_the_last_byte_that_may_come() -> None:
    for limit in (len(PHOTO), len(PHOTO) + 1):
        assert visit(ok(PHOTO), AMPLE._replace(max_bytes=limit))[0] == PHOTO
    less = AMPLE._replace(max_bytes=len(PHOTO) - 1)
    assert str(len(PHOTO) - 1) in refused(ok(PHOTO), BodyTooLargeError, less)
    refused(head("200 OK") + PHOTO, BodyTooLargeError, less)


def test_a_length_over_the_limit_is_refused_before_the_body() -> None:
    def answer(here: Site) -> object:
        async def only_the_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(head("200 OK", "Content-Length: 1000001"))
            await here.until_gone(reader)

        return only_the_head

    refused(answer, BodyTooLargeError)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_end_is_cut_off(chunked: bool) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", *(["Transfer-Encoding: chunked"] if chunked else [])))
        block = PHOTO.ljust(10_000, b"\0")
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            await writer.drain()

    refused(lambda here: endless, BodyTooLargeError)


def test_chunks_are_put_together() -> None:
    chunks = b"".join(b"1\r\n%b\r\n" % PHOTO[i : i + 1] for i in range(len(PHOTO)))
    assert visit(head("200 OK", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")[0] == PHOTO


def test_a_body_that_breaks_off_fails() -> None:
    answer = head("200 OK", f"Content-Length: {len(PHOTO) + 1}") + PHOTO
    assert "broke off" in refused(answer, FetchFailedError)
    answer = head("200 OK", "Transfer-Encoding: chunked") + b"%x\r\n" % (len(PHOTO) + 1) + PHOTO
    assert "broke off" in refused(answer, FetchFailedError)


def test_bytes_beyond_the_length_are_not_taken() -> None:
    assert visit(ok(PHOTO) + b"HTTP/1.1 200 OK\r\n\r\n")[0] == PHOTO


def test_no_answer_spills_over_into_the_next_fetch() -> None:
    async def main() -> None:
        async with site() as here:

            async def two_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(ok(PHOTO) + ok(PHOTO[::-1]))
                await here.until_gone(reader)

            here.answers |= {"/": two_at_once, "/next": ok(PHOTO + b"next")}
            fetcher = Fetcher(AMPLE, allowed=only_here)
            assert await fetcher.fetch(f"http://127.0.0.1:{here.port}/") == PHOTO
            await asyncio.wait_for(here.gone.wait(), 30)  # left, though the site would have stayed
            assert await fetcher.fetch(f"http://127.0.0.1:{here.port}/next") == PHOTO + b"next"
            assert here.connections == 2
            await fetcher.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "X-Gzip", "nonsense"])
def test_a_compressed_body_is_refused(encoding: str) -> None:
    assert "compressed" in refused(ok(PHOTO, f"Content-Encoding: {encoding}"), FetchFailedError)


def test_an_uncompressed_body_may_say_so() -> None:
    assert visit(ok(PHOTO, "Content-Encoding: identity"))[0] == PHOTO


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"<!DOCTYPE html><title>secret</title>", UnsupportedImageError),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedImageError),
        (b"%PDF-1.7", UnsupportedImageError),
        (b'{"secret": 1}', UnreadableImageError),
        (b"root:x:0:0:secret", UnreadableImageError),
        (b"", UnreadableImageError),
    ],
)
@pytest.mark.parametrize("padding", [0, 1000])
def test_what_is_not_an_image_is_refused_whatever_it_says(
    body: bytes, error: type[RemboltError], padding: int
) -> None:
    if padding and not body:
        body = b"\0"
    sentence = refused(ok(body + b" " * padding, "Content-Type: image/png"), error)
    assert "secret" not in sentence


def test_what_is_not_an_image_is_not_read_to_its_end() -> None:
    def answer(here: Site) -> object:
        async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(head("200 OK", "Content-Type: image/png") + b"<!DOCTYPE html>".ljust(500))
            await here.until_gone(reader)

        return page

    refused(answer, UnsupportedImageError)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"-ERR unknown command 'Host:'\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
    ],
)
def test_what_is_not_http_fails(answer: bytes) -> None:
    refused(answer, FetchFailedError)
