"""Requests that mean harm, as bytes for a socket: name, request, what may come back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from server.hostile_photos import photo

OURS, REMBG, REMOVE_BG = "/v1/cutouts", "/api/remove", "/v1.0/removebg"
FILE = {OURS: "file", REMBG: "file", REMOVE_BG: "image_file"}
"""What each dialect calls the photo."""

CLOSED = 0
"""The connection ends without an answer."""

BROKEN_OFF = 499
"""What comes back, if anything, where a body ends early or makes no sense, as if its sender had left."""

Make = Callable[[], bytes]


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    """A request with a body of the right length, after which the connection ends."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def part(name: bytes, data: bytes, *, more: bytes = b"", headers: bytes = b"") -> bytes:
    """A part of a multipart form."""
    head = b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n" + headers
    return head + b"\r\n" + data + b"\r\n"


def file_part(path: str, data: bytes, filename: bytes = b"a.png") -> bytes:
    """The photo's part."""
    return part(FILE[path].encode(), data, more=b'; filename="' + filename + b'"')


def form(path: str, *parts: bytes, end: bytes = b"--b--\r\n", kind: str = "boundary=b") -> bytes:
    """A request with a multipart form."""
    return request(path, b"".join(parts) + end, f"Content-Type: multipart/form-data; {kind}")


def options(path: str, *named: tuple[bytes, bytes]) -> bytes:
    """A request with a good photo and options."""
    return form(path, file_part(path, photo()), *[part(name, value) for name, value in named])


def as_json(path: str, body: Any) -> bytes:
    """A request with JSON, or what is sent as that."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(path, sent, "Content-Type: application/json")


def nested(depth: int) -> str:
    """A list in a list, and so on."""
    return "[" * depth + "]" * depth


def prompts(more: str) -> bytes:
    """A prompt for sam with something that is none of its parts."""
    return f'[{{"type": "point", "data": [1, 2], "label": 1, "more": {more}}}]'.encode()


def forms(path: str) -> dict[str, tuple[Make, set[int]]]:
    """Multipart forms for a dialect."""
    good = file_part(path, photo())
    missing = 422 if path == REMBG else 400
    unknown = 200 if path == REMOVE_BG else 422  # which remove.bg's ignores
    wrong = 400 if path == REMOVE_BG else 422
    kind = "Content-Type: multipart/form-data"
    inner = b"--c\r\n\r\nx\r\n--c--"
    return {
        "no-boundary": (lambda: request(path, good, kind), {400}),
        "empty-boundary": (lambda: form(path, good, kind='boundary=""'), {400}),
        "another-boundary": (lambda: form(path, good, kind="boundary=c"), {400}),
        "boundary-of-60000": (lambda: form(path, good, kind="boundary=" + "b" * 60_000), {400}),
        "parameters-without-end": (
            lambda: form(path, good, kind='boundary=b; x="' + ";" * 60_000),
            {400},
        ),
        "no-last-boundary": (lambda: form(path, good, end=b""), {400}),
        "cut-off-in-a-field": (lambda: form(path, good, part(b"format", b"png")[:-5], end=b""), {400}),
        "cut-off-in-a-header": (lambda: form(path, good[:30], end=b""), {400}),
        "empty": (lambda: form(path, end=b""), {400}),
        "nothing-but-the-end": (lambda: form(path), {400, missing}),
        "10000-parts": (lambda: form(path, good, *[part(b"a%d" % n, b"x") for n in range(10_000)]), {400}),
        "2000-files": (lambda: form(path, *[good] * 2000), {400}),
        "a-million-empty-parts": (lambda: form(path, b"--b\r\n\r\n\r\n" * 1_000_000), {400}),
        "the-photo-twice": (lambda: form(path, good, good), {wrong}),
        "an-option-twice": (lambda: form(path, good, part(b"a", b"1"), part(b"a", b"1")), {wrong}),
        "header-of-5-MB": (lambda: form(path, part(b"a", b"x", headers=b"X: " + b"y" * 5_000_000)), {400}),
        "100000-headers": (lambda: form(path, part(b"a", b"x", headers=b"X:y\r\n" * 100_000)), {400}),
        "name-of-5-MB": (lambda: form(path, part(b"a" * 5_000_000, b"x"), good), {400}),
        "name-of-semicolons": (lambda: form(path, part(b"a" + b";" * 1_000_000, b"x"), good), {400}),
        "no-name": (lambda: form(path, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"), {400}),
        "no-disposition": (lambda: form(path, b"--b\r\n\r\nx\r\n", good), {400}),
        "header-without-colon": (lambda: form(path, b"--b\r\nrubbish\r\n\r\nx\r\n"), {400}),
        "name-of-nothing": (lambda: form(path, part(b"", b"x"), good), {unknown}),
        "name-with-nul": (lambda: form(path, part(b"a\0b", b"x"), good), {unknown}),
        "name-not-utf-8": (lambda: form(path, part(b"\xff\xfe", b"x"), good), {unknown}),
        "name-in-pieces": (
            lambda: form(path, b"--b\r\nContent-Disposition: form-data; name*0*=u''a; name*1=b\r\n\r\nx\r\n"),
            {400, wrong},
        ),
        "field-of-5-MB": (
            lambda: form(path, good, part(b"format", b"x" * 5_000_000)),
            {400},
        ),
        **{
            f"filename-{name}": (lambda text=text: form(path, file_part(path, photo(), text)), {200})
            for name, text in {
                "path": b"../../../../etc/passwd",
                "windows": b"C:\\Windows\\System32\\a.png",
                "unc": b"\\\\host\\share\\a.png",
                "nul": b"a.png\0.exe",
                "device": b"/dev/zero",
                "empty": b"",
                "not-utf-8": b"\xff\xfe\xfd",
                "of-3000": b"a" * 3000,
                "newline-escaped": b"a%0d%0aX-Evil: 1",
                "template": b"{{7*7}}${jndi:ldap://x/}",
            }.items()
        },
        "filename-of-8000": (lambda: form(path, file_part(path, photo(), b"a" * 8000)), {400}),
        **{
            f"charset-{name}": (
                lambda name=name: form(path, good, kind=f'boundary=b; charset="{name}"'),
                {400},
            )
            for name in ("punycode", "idna", "utf-7", "zlib", "undefined", "x" * 900, "unicode_escape")
        },
        "punycode-bomb": (
            lambda: form(
                path,
                good,
                *[part(b"a%d" % n, b"a" * 50 + b"-" + b"ba" * 45_000) for n in range(20)],
                kind="boundary=b; charset=punycode",
            ),
            {400},
        ),
        "nested": (
            lambda: form(
                path,
                part(FILE[path].encode(), inner, headers=b"Content-Type: multipart/mixed; boundary=c\r\n"),
            ),
            {wrong},
        ),
        "base64-said": (
            lambda: form(
                path,
                part(
                    FILE[path].encode(),
                    photo(),
                    more=b'; filename="a"',
                    headers=b"Content-Transfer-Encoding: base64\r\n",
                ),
            ),
            {200},  # RFC 7578: it means nothing
        ),
        "rubbish-before": (lambda: form(path, b"\0" * 1000, good), {400}),
        "newlines-before": (lambda: form(path, b"\r\n" * 500_000, good), {200, 400}),
        "a-megabyte-behind": (lambda: form(path, good, end=b"--b--\r\n" + b"\0" * 1_000_000), {200}),
        "newlines-as-a-photo": (lambda: form(path, file_part(path, b"\r\n--" * 2_000_000)), {415, 400}),
        "too-large": (lambda: form(path, file_part(path, bytes(12_500_000))), {400, 413}),
        "compressed": (
            lambda: request(path, b"\x1f\x8b" + bytes(100), f"{kind}; boundary=b", "Content-Encoding: gzip"),
            {400},
        ),
        "urlencoded-100000-fields": (
            lambda: request(path, b"a=b&" * 100_000, "Content-Type: application/x-www-form-urlencoded"),
            {400},
        ),
        "urlencoded-percents": (
            lambda: request(path, b"%" * 3_000_000, "Content-Type: application/x-www-form-urlencoded"),
            {400},
        ),
    }


def jsons(path: str) -> dict[str, tuple[Make, set[int]]]:
    """JSON bodies for a dialect."""
    wrong = {400} if path == REMOVE_BG else {422}
    huge = b'{"url": "http://x/", "size": ' + b"1" * 5000 + b"}"
    bodies: dict[str, tuple[Any, set[int]]] = {
        "nothing": (b"", {400}),
        "no-object": ([], {400}),
        "null": (b"null", {400}),
        "deep": (nested(100_000).encode(), {400}),
        **{f"deep-{depth}": (f'{{"background": {nested(depth)}}}'.encode(), wrong) for depth in (300, 600)},
        **{
            f"nearly-too-deep-{depth}": (f'{{"background": {nested(depth)}}}'.encode(), wrong | {400})
            for depth in range(880, 1000, 10)
        },
        "millions-of-lists": (b'{"a": [' + b"[]," * 3_000_000 + b"[]]}", {400}),
        "millions-of-objects": (b'{"a": [' + b"{}," * 3_000_000 + b"{}]}", {400}),
        "a-number-of-5000-digits": (huge, {400}),
        "not-utf-8": (b'{"url": "\xff\xfe"}', {400}),
        "utf-16-cut-off": (b"\xff\xfe{\0", {400}),
        "nul": (b'{"url": "\0"}', {400}),
        "a-second-object": (b"{}{}", {400}),
        "text-of-5-MB": ({"size": "x" * 5_000_000}, wrong),
        "name-of-5-MB": ({"x" * 5_000_000: 1}, wrong),
        "surrogates": (b'{"\\ud800": "\\udfff"}', wrong),
        "surrogate-as-url": (b'{"url": "\\ud800", "image_url": "\\ud800"}', wrong),
    }
    named = {
        name: (lambda body=body: as_json(path, body), allowed) for name, (body, allowed) in bodies.items()
    }
    if path != REMBG:
        return named
    # Which takes no photo in JSON, so where that is not what is wrong, the photo is missing.
    return {name: (make, {422} if allowed == wrong else allowed) for name, (make, allowed) in named.items()}


JSON_VALUES: dict[str, tuple[str, Any]] = {
    "infinity": ("feather", float("inf")),
    "minus-infinity": ("shift_edge", float("-inf")),
    "nan": ("feather", float("nan")),
    "beyond-a-float": ("feather", 10**400),
    "below-a-float": ("shift_edge", -(10**4000)),
    "a-float-for-a-whole-number": ("quality", 1.5),
    "true-for-a-number": ("quality", True),
    "a-list-for-a-number": ("quality", [1]),
    "an-object-for-a-text": ("format", {"a": 1}),
    "a-number-for-a-switch": ("crop", 1),
    "a-text-for-a-switch": ("crop", "perhaps"),
    "a-path-as-background": ("background", "/etc/passwd"),
    "a-path-as-model": ("model", "/etc/passwd"),
    "a-list-as-model": ("model", ["bolt"]),
    "an-operators-option": ("device", "cpu"),
    "a-path-for-vitmatte": ("vitmatte_model", "../../weights.onnx"),
    "a-short-colour": ("bgcolor", [1, 2]),
    "a-large-colour": ("bgcolor", [10**4000, 0, 0]),
    "an-object-as-colour": ("bgcolor", {"r": 1, "g": 2, "b": 3}),
    "prompts-of-nothing": ("sam_prompt", []),
    "prompts-far-away": ("sam_prompt", [{"type": "point", "data": [1e308, 10**4000], "label": 1}]),
    "prompts-without-label": ("sam_prompt", [{"type": "point", "data": [1, 2]}]),
    "prompts-of-text": ("sam_prompt", ["point"] * 1000),
    "pixels-beyond-the-limit": ("max_pixels", 10**4000),
    "an-unknown-name": ("__class__", "x"),
}
"""Options of ours that are wrong, in JSON: all are a 422 before anything is fetched."""

FORM_VALUES: dict[str, tuple[bytes, bytes, int]] = {
    "beyond-a-float": (b"feather", b"1e309", 422),
    "nan": (b"feather", b"nan", 422),
    "minus-nothing": (b"feather", b"-0", 200),
    "digits-of-arabic": (b"quality", "٩٠".encode(), 200),
    "superscript-digits": (b"quality", "²".encode(), 422),
    "5000-digits": (b"quality", b"9" * 5000, 422),
    "hexadecimal": (b"quality", b"0x10", 422),
    "the-largest-side": (b"max_size", b"9" * 4000, 200),
    "negative": (b"max_size", b"-1", 422),
    "colour-of-300": (b"bgcolor", b"300,0,0", 422),
    "colour-in-arabic": (b"bgcolor", "٩,٩,٩".encode(), 422),
    "colour-of-100000": (b"bgcolor", b"#" + b"f" * 90_000, 422),
    "colour-function": (b"bgcolor", b"hsl(" + b"9" * 50_000 + b",0%,0%)", 422),
    "background-path": (b"background", b"../../../../etc/passwd", 422),
    "background-address": (b"background", b"http://127.0.0.1/", 422),
    "a-very-long-margin": (b"crop_margin", b"1px " * 20_000, 422),
    "prompts-deep": (b"sam_prompt", nested(40_000).encode(), 422),
    **{f"prompts-with-depth-{depth}": (b"sam_prompt", prompts(nested(depth)), 200) for depth in (300, 800)},
    "prompts-10000": (b"sam_prompt", b"[" + b'{"type":"point"},' * 5000 + b"1]", 422),
    "model-with-path": (b"model", b"../../bolt", 422),
    "model-with-nul": (b"model", b"bolt\0", 422),
    "model-of-90000": (b"model", b"u" * 90_000, 422),
    "model-unknown": (b"model", b"u2net_custom", 422),
    "operators-option": (b"model_path", b"/etc/passwd", 422),
    "unknown-of-90000": (b"a" * 3000, b"x", 422),
}
"""Options of ours beside a good photo in a form, and the status."""

EXTRAS: dict[str, tuple[bytes, int]] = {
    "no-object": (b"[1]", 422),
    "no-json": (b"{", 422),
    "deep": (nested(40_000).encode(), 422),
    "deep-inside": (b'{"sam_prompt": ' + prompts(nested(800)) + b"}", 200),
    "a-path-that-is-not-used": (b'{"vitmatte_model": "/etc/passwd"}', 200),
    "an-unknown-name": (b'{"__init__": 1}', 422),
    "an-operators-option": (b'{"model_path": "/etc/passwd"}', 422),
    "a-wrong-type": (b'{"putalpha": [1]}', 422),
    "nan": (b'{"putalpha": NaN}', 422),
    "twice": (b'{"putalpha": 1, "putalpha": true}', 200),
}
"""rembg's `extras`, beside a good photo."""


def _get(path: str, *headers: str) -> bytes:
    return request(path, b"", *headers, method="GET")


def _post(*headers: str, body: bytes = b"") -> bytes:
    """A request whose length its headers say, or not."""
    return "\r\n".join(["POST /v1/cutouts HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1") + body


SIZE = len(photo())
CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = b"0\r\n\r\nGET /v1/smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

HTTP: dict[str, tuple[Make, set[int]]] = {
    "length-too-short": (lambda: _post("Content-Length: 100", "Connection: close", body=photo()), {415}),
    "length-negative": (lambda: _post("Content-Length: -1"), {400}),
    "length-plus": (lambda: _post("Content-Length: +5", "Connection: close", body=b"12345"), {400}),
    "length-of-30-digits": (lambda: _post(f"Content-Length: {'9' * 30}"), {400}),
    "length-of-12-digits": (lambda: _post("Content-Length: 999999999999", "Connection: close"), {413}),
    "length-no-number": (lambda: _post("Content-Length: many"), {400}),
    "length-twice": (lambda: _post("Content-Length: 5", "Content-Length: 6", body=b"123456"), {400}),
    "length-list": (lambda: _post("Content-Length: 5, 5", "Connection: close", body=b"12345"), {400}),
    "length-and-chunked": (lambda: _post("Content-Length: 5", CHUNKED, body=SMUGGLED), {400}),
    "chunked-and-length": (lambda: _post(CHUNKED, "Content-Length: 64", body=SMUGGLED), {400}),
    "chunked-not-last": (lambda: _post("Transfer-Encoding: chunked, identity", body=SMUGGLED), {400}),
    "transfer-unknown": (lambda: _post("Transfer-Encoding: xchunked", body=SMUGGLED), {400}),
    "chunk-size-line-huge": (
        lambda: _post(CHUNKED, "Connection: close", body=b"0" * 1_000_000 + b"5\r\n12345\r\n0\r\n\r\n"),
        {415, BROKEN_OFF},
    ),
    "chunk-size-too-large": (lambda: _post(CHUNKED, body=b"f" * 20 + b"\r\nx"), {BROKEN_OFF}),
    "chunk-size-negative": (lambda: _post(CHUNKED, body=b"-5\r\nx"), {BROKEN_OFF}),
    "chunk-extension-huge": (
        lambda: _post(CHUNKED, body=b"5;" + b"a" * 1_000_000 + b"\r\n12345\r\n"),
        {BROKEN_OFF},
    ),
    "trailers-huge": (lambda: _post(CHUNKED, body=b"0\r\n" + b"a: b\r\n" * 100_000 + b"\r\n"), {BROKEN_OFF}),
    "many-tiny-chunks": (
        lambda: _post(CHUNKED, "Connection: close", body=b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"),
        {400},
    ),
    "chunked-too-large": (
        lambda: _post(CHUNKED, "Connection: close", body=(b"100000\r\n" + bytes(1 << 20) + b"\r\n") * 13),
        {413},
    ),
    "header-of-100-KB": (lambda: _get("/health", "X: " + "y" * 100_000), {400, 431}),
    "header-name-of-100-KB": (lambda: _get("/health", "y" * 100_000 + ": x"), {400, 431}),
    "1000-headers": (lambda: _get("/health", *[f"X-{n}: y" for n in range(1000)]), {400, 431}),
    "header-with-nul": (lambda: _get("/health", "X: a\0b"), {400}),
    "header-with-space": (lambda: _get("/health", "X y: z"), {400}),
    "header-folded": (lambda: _get("/health", "X: a", " b"), {400}),
    "header-lone-newline": (lambda: b"GET /health HTTP/1.1\nHost: x\nConnection: close\n\n", {200}),
    "header-not-ascii": (lambda: _get("/health", "X-\xe9: \xff"), {400}),
    "absolute-form": (lambda: _get("http://inside.example/health"), {200}),
    "absolute-form-elsewhere": (lambda: _get("http://127.0.0.1:1/v1/models"), {200}),
    "asterisk": (lambda: request("*", method="OPTIONS"), {404, 405}),
    "authority-form": (lambda: request("127.0.0.1:22", method="CONNECT"), {400, 404, 405}),
    "no-slash": (lambda: _get("health"), {400, 404}),
    "http-0.9": (lambda: b"GET /health\r\n\r\n", {400}),
    "http-9.9": (lambda: b"GET /health HTTP/9.9\r\n\r\n", {400}),
    "http-2-preface": (lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000, {CLOSED}),
    "tls-hello": (lambda: b"\x16\x03\x01\x02\x00\x01" + bytes(500), {400}),
    "method-unknown": (lambda: request("/v1/cutouts", method="PWN"), {405}),
    "method-lower-case": (lambda: request("/v1/cutouts", method="post"), {405}),
    "method-of-50000": (lambda: request("/v1/cutouts", method="A" * 50_000), {400, 405}),
    "method-trace": (lambda: request("/v1/cutouts", method="TRACE"), {405}),
    "method-overridden": (lambda: _get("/v1/cutouts", "X-HTTP-Method-Override: POST"), {405}),
    "host-broken": (
        lambda: b"GET /v1/nothing HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
        {400, 404},
    ),
    "host-broken-in-a-form": (
        lambda: (
            b"POST /v1.0/removebg HTTP/1.1\r\nHost: [::\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        {400},
    ),
    "host-missing": (lambda: b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", {200, 400}),
    "hosts-two": (
        lambda: b"GET /v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
        {400, 404},
    ),
    "request-id-rubbish": (lambda: _get("/health", "X-Request-Id: a\tb\x7f"), {200, 400}),
    "request-id-huge": (lambda: _get("/health", "X-Request-Id: " + "a" * 50_000), {200}),
    "if-none-match-60-KB": (lambda: _get("/v1/cutouts/x", "If-None-Match: " + '"a", ' * 10_000), {404}),
    "content-digest-rubbish": (
        lambda: request("/v1/cutouts", photo(), "Content-Digest: sha-256=:" + "A" * 43 + ":"),
        {400},
    ),
    "content-digest-60-KB": (
        lambda: request("/v1/cutouts", photo(), "Content-Digest: " + ", sha-256=" * 5000),
        {400},
    ),
    "content-digest-wrong": (
        lambda: request("/v1/cutouts", photo(), "Content-Digest: sha-256=:" + "A" * 42 + "E=:"),
        {400},
    ),
    "ranges": (lambda: _get("/v1/models", "Range: bytes=" + "0-0," * 5000 + "0-0"), {200}),
    "accept-60-KB": (lambda: _get("/v1.0/account", "Accept: " + "a/b;q=0.1," * 6000), {200}),
    "authorization-rubbish": (lambda: _get("/v1/models", "Authorization: \xff\xfe"), {200}),
    "content-type-rubbish": (lambda: request("/v1/cutouts", photo(), "Content-Type: \xff;;;="), {200}),
    "forwarded": (lambda: _get("/v1/models", "X-Forwarded-For: ::ffff:127.0.0.1, rubbish"), {200}),
    "path-up": (lambda: _get("/v1/cutouts/../../etc/passwd"), {404}),
    "path-up-escaped": (lambda: _get("/v1/cutouts/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), {404}),
    "path-nul": (lambda: _get("/v1/cutouts/%00"), {404}),
    "path-newline": (lambda: _get("/v1/cutouts/a%0d%0aX-Evil:%201"), {404}),
    "path-not-utf-8": (lambda: _get("/v1/cutouts/%ff%fe%c0%af"), {404}),
    "path-surrogate": (lambda: _get("/v1/cutouts/%ed%a0%80"), {404}),
    "path-half-an-escape": (lambda: _get("/v1/cutouts/%"), {404}),
    "path-of-60-KB": (lambda: _get("/v1/cutouts/" + "a" * 60_000), {404, 414}),
    "path-of-200-KB": (lambda: _get("/v1/cutouts/" + "a" * 200_000), {400, 414, 431}),
    "path-of-slashes": (lambda: _get("/" * 5000), {404}),
    "path-double-slash": (lambda: _get("//evil.example/v1/cutouts"), {404}),
    "query-of-60-KB": (lambda: _get("/v1/recipe?" + "a=b&" * 15_000), {422}),
    "query-percents": (lambda: _get("/v1/recipe?model=" + "%" * 60_000), {422}),
    "query-not-utf-8": (lambda: _get("/v1/recipe?model=%ff%fe"), {422}),
    "query-raw-bytes": (lambda: _get("/v1/recipe?model=\xff\xfe"), {400, 422}),
    "query-nul": (lambda: _get("/v1/recipe?model=%00"), {422}),
    "upgrade-websocket": (
        lambda: _get(
            "/v1/cutouts", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x"
        ),
        {400, 405},
    ),
    "upgrade-h2c": (lambda: _get("/health", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), {200}),
}
"""What an HTTP client that behaves would not send."""
