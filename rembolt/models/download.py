"""Downloads one file from the first mirror that has it: resumed, verified, and put in place in one step.

Bytes go to `<file>.part`, which an interruption leaves behind for the next try; the final name only ever
holds a whole file with the right hash. A lock beside it lets one process download while others wait for the
result.
"""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.models.part import Part

if TYPE_CHECKING:
    from pathlib import Path

    from rembolt.models.progress import Progress

DEFAULT_BASE: Final = "https://github.com/danielgatis/rembg/releases/download/v0.0.0"

_CHUNK: Final = 1 << 18
_WORTH_RETRYING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to keep trying.

    Attributes:
        timeout: seconds to wait for a connection, and for the next bytes of a transfer.
        pauses: seconds before each further try at the same mirror; a try that brings the file further than
            any before starts the row anew.
    """

    timeout: float = 20.0
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)


USUAL: Final = Patience()


class _UselessMirrorError(Exception):
    """This mirror is of no use; the message says why."""


class _FailedAttemptError(Exception):
    """This attempt failed in a way the next may not; the message says how."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to an unprotected address and never out of HTTP."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme.lower()
        if scheme not in ("http", "https") or (req.type == "https" and scheme == "http"):
            raise _UselessMirrorError(f"redirects to the {scheme} address {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def mirrors() -> tuple[str, ...]:
    """Give the base addresses to try: those in `REMBOLT_MODEL_BASE_URL`, then rembg's releases.

    Raises:
        UsageError: an address is not an http or https one.
    """
    given = [base.strip().rstrip("/") for base in os.environ.get("REMBOLT_MODEL_BASE_URL", "").split(",")]
    bases = [base for base in given if base]
    for base in bases:
        if not _is_web_address(base):
            raise UsageError(f"REMBOLT_MODEL_BASE_URL has {base!r}, which is not an http or https address.")
    return tuple(dict.fromkeys([*bases, DEFAULT_BASE]))


def _is_web_address(base: str) -> bool:
    try:
        parts = urlsplit(base)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def download(
    source: str,
    target: Path,
    *,
    expected: str | None,
    size: int = 0,
    progress: Progress,
    patience: Patience | None = None,
) -> bool:
    """Download a file unless another process did meanwhile.

    Args:
        source: its name at the mirrors.
        target: where it goes; the folder is made.
        expected: its hash, `"md5:…"` or `"sha256:…"`; None to take what comes.
        size: its size in bytes as far as known, for the check of free space; 0 where it is not.
        progress: called with the target's name, the bytes here and the bytes in all.
        patience: time-outs and pauses; None for the usual ones.

    Returns:
        Whether this call downloaded it; False when another process had done so.

    Raises:
        UsageError: a mirror's address is not one.
        WeightsUnavailableError: no mirror gave the file, or it cannot be stored.
    """
    from filelock import FileLock

    bases = mirrors()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(target.with_name(f"{target.name}.lock")).acquire()
    except OSError as error:
        raise WeightsUnavailableError(
            f"{target.name} cannot be stored in {target.parent} ({error.strerror or error});"
            " set REMBOLT_HOME to a folder that can be written."
        ) from error
    with held:
        if target.is_file():
            return False
        failures = []
        with Part(target, expected, size) as part:
            for base in bases:
                url = f"{base}/{quote(source)}"
                try:
                    _from_mirror(url, part, progress, patience or USUAL)
                except _UselessMirrorError as reason:
                    failures.append(f"{_host(base)} {reason}")
                else:
                    part.finish()
                    return True
    raise WeightsUnavailableError(
        f"{source} could not be downloaded: {'; '.join(failures)}. Check the connection, or set"
        " REMBOLT_MODEL_BASE_URL to a mirror."
    )


def _host(base: str) -> str:
    # Not the whole address: it may hold a password.
    parts = urlsplit(base)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _from_mirror(url: str, part: Part, progress: Progress, patience: Patience) -> None:
    """Fill `part` from one mirror, with pauses between tries; raises _UselessMirrorError."""
    pauses = list(patience.pauses)
    furthest = part.done
    resumed = part.done > 0
    while True:
        try:
            _attempt(url, part, progress, patience.timeout)
        except _FailedAttemptError as failure:
            if part.is_proven():
                return
            if part.done > furthest:
                furthest = part.done
                pauses = list(patience.pauses)
            if not pauses:
                raise _UselessMirrorError(str(failure)) from failure
            time.sleep(pauses.pop(0))
            continue
        if part.done and part.is_right():
            return
        part.restart()
        if not resumed:
            raise _UselessMirrorError("sent a different file")
        # What was there before may have come from elsewhere: this mirror deserves one clean try.
        resumed = False


def _attempt(url: str, part: Part, progress: Progress, timeout: float) -> None:
    """Ask a mirror for what is missing, once, and store it."""
    request = urllib.request.Request(url, headers=_headers(part))  # noqa: S310 (only http, see mirrors())
    try:
        response = urllib.request.build_opener(_Redirects).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and part.is_proven():
            return
        if error.code == 416 and part.done:
            part.restart()
            raise _FailedAttemptError("has another file than before") from error
        kind = _FailedAttemptError if error.code in _WORTH_RETRYING else _UselessMirrorError
        raise kind(f"answers {error.code}") from error
    except urllib.error.URLError as error:
        raise _FailedAttemptError(_brief(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _FailedAttemptError(_brief(error)) from error
    except ValueError as error:
        raise _UselessMirrorError(f"has an impossible address ({error})") from error
    with response:
        _store(response, part, progress)


def _headers(part: Part) -> dict[str, str]:
    headers = {"User-Agent": "rembolt", "Accept-Encoding": "identity"}
    if part.resumable:
        headers["Range"] = f"bytes={part.done}-"
        if part.tag:
            headers["If-Range"] = part.tag
    return headers


def _store(response: http.client.HTTPResponse, part: Part, progress: Progress) -> None:
    length = response.headers.get("Content-Length", "")
    rest = int(length) if length.isdecimal() else None
    if response.status != 206:
        part.restart()
    elif not response.headers.get("Content-Range", "").startswith(f"bytes {part.done}-"):
        part.restart()
        raise _FailedAttemptError("answers with a different range")
    tag = response.headers.get("ETag", "")
    part.tag = "" if tag.startswith("W/") else tag
    total = None if rest is None else part.done + rest
    part.require_space(total)
    progress(part.target.name, part.done, total)
    while chunk := _read(response):
        part.write(chunk)
        progress(part.target.name, part.done, total)
    if total is not None and part.done < total:
        raise _FailedAttemptError("breaks off")


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _FailedAttemptError(_brief(error)) from error


def _brief(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "does not answer in time"
    if isinstance(reason, http.client.IncompleteRead | http.client.RemoteDisconnected):
        return "breaks off"
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot be reached ({reason.strerror})"
    return f"fails ({reason})"
