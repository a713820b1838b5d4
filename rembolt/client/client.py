"""`Client`: cut-outs from a service."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack
from urllib.parse import urlencode

from rembolt.client.connection import Connection, Reply
from rembolt.client.errors import ServiceError, error_of
from rembolt.client.photos import Fields, read_options, read_photo
from rembolt.client.retries import AGAIN
from rembolt.server.errors import UnknownAddressError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from rembolt.keywords import Keywords

CUTOUTS = "/v1/cutouts"

LONGEST_QUERY = 4000
"""Characters; options that are longer, such as many prompts for sam, go into a form."""

MOST_RECIPES = 1000
"""Sets of options whose recipes are remembered."""


class Answer(NamedTuple):
    """A cut-out from a service.

    Attributes:
        data: the file, in the format asked for.
        width, height: of the image, in pixels.
        model, device, precision: what found the subject, and where it ran.
        address: the content address, for `Client.get`.
        source: where the service had it from: `computed`, `memory`, `shared`, `joined` or `cache`.
    """

    data: bytes
    width: int
    height: int
    model: str
    device: str
    precision: str
    address: str
    source: str


class Client:
    """A connection to a service, for any number of photos. Thread-safe; a context manager that closes it.

    Args:
        base_url: the service's address, such as `http://localhost:7000`.
        api_key: where the service wants one.
        timeout: seconds that a call may take, all tries and the waiting between them together.
        retries: how often a request is tried again after 429, 502, 503, 504 or a lost connection.
        hash_first: ask for the photo's content address before uploading the photo: one small request more
            for a photo that is new, no upload for one that is known.

    Raises:
        UsageError: one of these cannot be.
        MissingExtraError: httpx is not installed (extra `client`).
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout: float = 120.0,
        retries: int = 3,
        hash_first: bool = True,
    ) -> None:
        self._connection = Connection(base_url, api_key, timeout, retries)
        self._hash_first = hash_first
        self._recipes: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._connection.close()

    def remove(self, photo: bytes | os.PathLike[str] | str, **options: Unpack[Keywords]) -> bytes:
        """Cut the subject out of a photo and give the result's file; see `cutout`."""
        return self.cutout(photo, **options).data

    def cutout(self, photo: bytes | os.PathLike[str] | str, **options: Unpack[Keywords]) -> Answer:
        """Cut the subject out of a photo.

        Args:
            photo: the bytes of an image file, or its path.
            options: any that the service lets its clients choose. A `background` that is a path, a Pillow
                image or an array is sent along.

        Raises:
            UsageError: an option is unknown, out of range or not for clients.
            InputError: the photo cannot be read or is too large.
            OverloadedError, RateLimitedError: there was no room within `retries` and `timeout`.
            UnreachableError: no service answers.
            ServiceError: what answers is no rembolt service, or it failed.
            RemboltError: whatever else the service refuses, as the exception that has the answer's code.
        """
        deadline = self._connection.deadline()
        data, fields = read_photo(photo), read_options(options)
        query = urlencode(fields.texts)
        if fields.background is not None or len(query) > LONGEST_QUERY:
            return self._answer(self._connection.request("POST", CUTOUTS, deadline, **_form(data, fields)))
        digest = hashlib.sha256(data)
        if self._hash_first:
            found = self._kept(digest.hexdigest(), query, fields.texts, deadline)
            if found is not None:
                return found
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        }
        made = self._answer(
            self._connection.request(
                "POST", CUTOUTS, deadline, content=data, headers=headers, params=fields.texts
            )
        )
        # The service may have changed since it was asked.
        self._remember(query, made.address.rpartition("-")[2])
        return made

    def get(self, address: str) -> Answer:
        """A result that the service keeps.

        Args:
            address: the content address, see `Answer`.

        Raises:
            UnknownAddressError: it keeps none under this address.
            RemboltError: as in `cutout`.
        """
        if not (address.isascii() and address.replace("-", "").isalnum()):
            raise UnknownAddressError(f"{address[:100]!r} is no content address; see Answer.address.")
        return self._answer(self._connection.request("GET", f"{CUTOUTS}/{address}"))

    def ready(self) -> bool:
        """Whether the service can cut out photos now; False also while nobody answers.

        Raises:
            ServiceError: what answers is no rembolt service.
        """
        reply = self._connection.once("GET", "/ready")
        if reply is None or reply.status in AGAIN:
            return False
        if reply.status != 200:
            raise error_of(self._connection.where, *reply)
        return True

    def _kept(self, digest: str, query: str, options: Mapping[str, str], deadline: float) -> Answer | None:
        """The result by its address, if the service has it."""
        recipe = self._recipes.get(query)
        if recipe is None:
            reply = self._connection.request("GET", "/v1/recipe", deadline, params=options)
            recipe = self._recipe(reply)
            self._remember(query, recipe)
        try:
            return self._answer(self._connection.request("GET", f"{CUTOUTS}/{digest}-{recipe}", deadline))
        except UnknownAddressError:
            return None

    def _recipe(self, reply: Reply) -> str:
        try:
            recipe = json.loads(reply.body)["recipe"]
        except (ValueError, RecursionError, TypeError, LookupError):
            recipe = None
        if not isinstance(recipe, str) or not (recipe.isascii() and recipe.isalnum()):
            raise self._strange("something that is no recipe")
        return recipe

    def _remember(self, query: str, recipe: str) -> None:
        if len(self._recipes) >= MOST_RECIPES:
            self._recipes.clear()
        self._recipes[query] = recipe

    def _answer(self, reply: Reply) -> Answer:
        """What a reply says, where it is a cut-out."""
        headers = reply.headers
        kind = headers.get("content-type", "")
        try:
            if reply.body and (kind.startswith("image/") or kind == "application/zip"):
                return Answer(
                    reply.body,
                    int(headers["x-rembolt-width"]),
                    int(headers["x-rembolt-height"]),
                    headers["x-rembolt-model"],
                    headers["x-rembolt-device"],
                    headers["x-rembolt-precision"],
                    headers["etag"].removeprefix("W/").strip('"'),
                    headers["x-rembolt-source"],
                )
        except (LookupError, ValueError):
            pass
        raise self._strange("something that is no cut-out")

    def _strange(self, what: str) -> ServiceError:
        where = self._connection.where
        return ServiceError(f"{where} answered with {what}; check that this is a rembolt service's address.")


def _form(data: bytes, fields: Fields) -> dict[str, Any]:
    files = {"file": ("photo", data, "application/octet-stream")}
    if fields.background is not None:
        files["background_file"] = ("background", fields.background, "application/octet-stream")
    return {"files": files, "data": fields.texts}
