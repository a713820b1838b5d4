"""Measures how a model runs best on this machine's CPU, for `rembolt.profile` to keep."""
