"""A client of the service, for programs: `Client` and what it raises beside the library's own errors."""

from rembolt.client.client import Answer, Client
from rembolt.client.errors import ServiceError, UnreachableError

__all__ = ["Answer", "Client", "ServiceError", "UnreachableError"]
