"""URLs that strangers give lead to the public Internet and nowhere else."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from server.visits import AMPLE, PHOTO, fetched
from server.web_site import count_connections, head, moved, ok, site, use_names

from rembolt.server.addresses import is_global
from rembolt.server.errors import FetchFailedError, FetchRefusedError
from rembolt.server.fetch import Fetcher

NOTATIONS = [
    "http://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://127。0。0。1:{port}/",
    "HTTP://127.0.0.1:{port}",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://inside.example:{port}/",
    "http://INSIDE.example:{port}/",
    "http://xn--bcher-kva.example:{port}/",
    "http://bücher.example:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
]
"""Ways to say this machine that really lead here when nothing is checked."""

NOT_PUBLIC = [
    *NOTATIONS,
    "http:////127.0.0.1:{port}/../",
    "http://half.example:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[ff02::1]:{port}/",
    "http://[2001:db8::1]:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.00.00.01:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.0.0.1%2f:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://１２７.0.0.1:{port}/",  # noqa: RUF001
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.0.0.192/",
    "http://192.0.2.1:{port}/",
    "http://198.18.0.1:{port}/",
    "http://168.63.129.16/?comp=versions",
    "http://224.0.0.1:{port}/",
    "http://240.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@example.com/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://missing.example:{port}/",
    "https://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http://",
    "http:///photo",
    "http://:{port}/",
    "http://[::1:{port}/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:port/",
    "http://127.0.0.1:{port}/\r\nHost: example.com",
    " http://127.0.0.1:{port}/",
    "",
    "\ud800",
    "http://\ud800/",
    "http://" + "a" * 64 + ".example:{port}/",
    "http://" + "a" * 70_000,
    "http://a..example:{port}/",
    "http://.:{port}/",
]


def inside_names() -> None:
    local = [["127.0.0.1"]]
    names = use_names(localhost=local, inside_example=local, half_example=[["1.1.1.1", "127.0.0.1"]])
    names.table |= {"xn--bcher-kva.example": local}


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_what_is_not_public_is_refused_and_never_connected_to(url: str) -> None:
    async def main() -> None:
        async with site("") as here:
            inside_names()
            opened = count_connections()
            with pytest.raises(FetchRefusedError) as caught:
                await fetched(url.replace("{port}", str(here.port)), allowed=is_global)
            assert opened == []
            assert here.connections == 0
            assert "127" not in str(caught.value)
            assert "secret" not in str(caught.value)

    asyncio.run(main())


@pytest.mark.parametrize("url", NOTATIONS)
def test_these_would_have_come_here_unchecked(url: str) -> None:
    async def main() -> None:
        async with site("") as here:
            inside_names()
            here.answers["/"] = ok(PHOTO)
            assert await fetched(url.replace("{port}", str(here.port)), allowed=lambda address: True) == PHOTO
            assert here.connections == 1

    asyncio.run(main())


@pytest.mark.parametrize("credentials", ["user:secret@", "user@", ":secret@", "%20@"])
def test_credentials_are_refused_wherever_they_would_go(credentials: str) -> None:
    async def main() -> None:
        async with site() as here:
            here.answers["/"] = ok(PHOTO)
            with pytest.raises(FetchRefusedError, match="user name or password"):
                await fetched(f"http://{credentials}127.0.0.1:{here.port}/")
            assert here.connections == 0

    asyncio.run(main())


def test_the_systems_own_names_are_checked() -> None:
    async def main() -> None:
        async with site() as here:
            here.answers["/"] = ok(PHOTO)
            url = f"http://localhost:{here.port}/"
            with pytest.raises(FetchRefusedError):
                await fetched(url, allowed=is_global)
            assert here.connections == 0
            assert await fetched(url, allowed=lambda address: address.is_loopback) == PHOTO

    asyncio.run(main())


def test_refusals_tell_nothing_about_the_network_inside() -> None:
    """An open port, a closed one, another host, a name that is there and one that is not: one sentence."""

    async def main() -> set[str]:
        sentences = set()
        async with site("") as here:
            use_names(
                inside_example=[["10.1.2.3"]], half_example=[["1.1.1.1", "10.1.2.3"]], none_example=[[]]
            )
            for url in (
                f"http://127.0.0.1:{here.port}/",
                "http://127.0.0.1:1/",
                "http://10.1.2.3/",
                "http://[fd00::1]/",
                "http://inside.example/",
                "http://half.example/",
                "http://none.example/",
                "http://missing.example/",
            ):
                with pytest.raises(FetchRefusedError) as caught:
                    await fetched(url, allowed=is_global)
                sentences.add(str(caught.value))
        return sentences

    assert len(asyncio.run(main())) == 1


def test_a_name_that_changes_its_answer_is_held_to_the_one_that_was_checked() -> None:
    async def main() -> None:
        async with site("127.0.0.2") as public, site("127.0.0.1", public.port) as inside:
            names = use_names(changing_example=[["127.0.0.2"], ["127.0.0.1"]])
            opened = count_connections()
            public.answers["/"] = ok(PHOTO)
            url = f"http://changing.example:{public.port}/"
            fetcher = Fetcher(AMPLE, allowed=lambda address: address == IPv4Address("127.0.0.2"))
            assert await fetcher.fetch(url) == PHOTO
            assert names.asked == ["changing.example"]
            assert opened == ["127.0.0.2"]
            assert f"Host: changing.example:{public.port}\r\n" in public.requests[0]
            with pytest.raises(FetchRefusedError):
                await fetcher.fetch(url)
            await fetcher.aclose()
            assert inside.connections == 0
            assert public.connections == 1

    asyncio.run(main())


def test_a_name_that_changes_its_answer_between_redirects_is_refused() -> None:
    async def main() -> None:
        async with site("127.0.0.2") as public, site("127.0.0.1", public.port) as inside:
            use_names(changing_example=[["127.0.0.2"], ["127.0.0.1"]])
            public.answers["/"] = moved("/again")
            public.answers["/again"] = inside.answers["/again"] = ok(PHOTO)
            with pytest.raises(FetchRefusedError):
                await fetched(
                    f"http://changing.example:{public.port}/",
                    allowed=lambda address: address == IPv4Address("127.0.0.2"),
                )
            assert inside.connections == 0
            assert len(public.requests) == 1

    asyncio.run(main())


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def main() -> None:
        async with site() as here:
            use_names(twice_example=[["127.0.0.3", "127.0.0.1"]])
            opened = count_connections()
            here.answers["/"] = ok(PHOTO)
            url = f"http://twice.example:{here.port}/"
            assert await fetched(url, allowed=lambda address: address.is_loopback) == PHOTO
            assert opened == ["127.0.0.3", "127.0.0.1"]

    asyncio.run(main())


def test_a_host_that_takes_no_connection_fails() -> None:
    async def main() -> None:
        async with site() as here:
            pass
        with pytest.raises(FetchFailedError, match="cannot be reached"):
            await fetched(f"http://127.0.0.1:{here.port}/")

    asyncio.run(main())


def test_nothing_of_this_machine_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy from the environment, no password from .netrc, no cookie, no referring page."""

    async def main() -> None:
        async with site() as here, site() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            here.answers["/"] = head(
                "302 Found", "Location: /photo?size=1#part", "Set-Cookie: a=b", "Content-Length: 0"
            )
            here.answers["/photo?size=1"] = ok(PHOTO)
            assert await fetched(f"http://127.0.0.1:{here.port}/#top") == PHOTO
            assert proxy.connections == 0
            for request in here.requests:
                names = {line.split(":")[0] for line in request.split("\r\n")[1:] if line}
                assert names == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
                assert "Accept-Encoding: identity\r\n" in request

    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    asyncio.run(main())
