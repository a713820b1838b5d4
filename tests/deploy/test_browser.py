"""The JavaScript of docs/javascript.md, as it stands there, in a real browser."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

from deploy.browser import Site, chromium
from deploy.figures import Counted, counted
from PIL import Image
from server.serving import free_port, serving

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "javascript.md"
CLIENT = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]

SHOP = """<!doctype html><title>shop</title><script>
%s
</script><script>
(async () => {
  const [server, visits] = [%s, %s];
  const visit = Number(location.search.slice(1));
  let outcome = "/cutout", said;
  try {
    const photo = await (await fetch("/photo.jpg")).blob();
    said = await cutOut(server, photo, visits[visit]);
  } catch (error) {
    [outcome, said] = ["/error", error.message];
  }
  await fetch(outcome, { method: "POST", body: said });
  if (visit + 1 < visits.length) location.href = `/?${visit + 1}`;
})();
</script>"""


def shop(cat: Image.Image, service: str, visits: list[str], port: int = 0) -> Site:
    """A shop whose page sends a photo to the service, with other options at each visit."""
    photo = BytesIO()
    cat.save(photo, "JPEG")
    page = (SHOP % (CLIENT, json.dumps(service), json.dumps(visits))).encode()
    files = {"/": ("text/html", page), "/photo.jpg": ("image/jpeg", photo.getvalue())}
    return Site(files, lambda: counted(service), port)


def test_a_photo_is_uploaded_once(tmp_path: Path, cat: Image.Image) -> None:
    port = free_port()
    visits = ["format=webp", "format=webp", "scale=huge"]
    with (
        serving(tmp_path, "--cors-origins", f"https://other.example,http://localhost:{port}") as service,
        shop(cat, service.url, visits, port) as site,
        chromium(tmp_path, site.url),
    ):
        first, second, refused = (site.hear() for _ in visits)
    assert (first.path, first.meanwhile) == ("/cutout", Counted(1, 1)), first
    assert (second.path, second.meanwhile) == ("/cutout", Counted(1, 1)), second
    assert first.body == second.body
    cutout = Image.open(BytesIO(first.body))
    assert (cutout.format, cutout.mode, cutout.size) == ("WEBP", "RGBA", cat.size)
    assert refused.path == "/error"
    assert b"scale" in refused.body


def test_no_page_may_use_a_service_that_names_no_origins(tmp_path: Path, cat: Image.Image) -> None:
    with serving(tmp_path) as service, shop(cat, service.url, [""]) as site, chromium(tmp_path, site.url):
        said = site.hear()
    assert (said.path, said.body, said.meanwhile) == ("/error", b"Failed to fetch", Counted(0, 0))
