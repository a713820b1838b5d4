"""Finished results under their content addresses: in memory, and shared through Redis."""

from rembolt.server.cache.layers import Cache
from rembolt.server.cache.memory import MemoryCache
from rembolt.server.cache.shared import RedisCache

__all__ = ["Cache", "MemoryCache", "RedisCache"]
