"""The HTTP service: `rembolt serve`."""
