"""remove.bg's dialect: `/v1.0`."""

from rembolt.server.dialects.removebg.router import REMOVE_BG

__all__ = ["REMOVE_BG"]
