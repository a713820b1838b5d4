"""Where and how a network runs: device, session, cache. Knows no photos."""
