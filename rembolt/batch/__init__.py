"""Many photos from disk to disk: which, where to, what was done, and going on after an interruption."""
