"""rembg's names and rembg's pixels: `import rembolt.rembg as rembg` is the whole change.

Signatures, defaults and results are those of rembg 2.0.86, except for what makes the move worth it: the
default model is `bolt`, which is inside the package, so nothing is downloaded; a `remove` without a
session reuses a process-wide one; PNG bytes are written faster (the same pixels, other bytes); and
errors are `rembolt.errors`, which are `ValueError`s where rembg raises those.
"""

from __future__ import annotations

from rembolt import __version__ as __version__
from rembolt.rembg.bg import remove as remove
from rembolt.rembg.session_factory import new_session as new_session

__all__ = ["__version__", "new_session", "remove"]
