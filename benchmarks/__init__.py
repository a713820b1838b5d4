"""Targets of the start, PNG writers, and how near to the truth models come; `rembolt bench` does the rest.

Each script prints its table and can write the raw numbers:

    python -m benchmarks.startup --json startup.json
    python -m benchmarks.png
    python -m benchmarks.accuracy --data shard.tar --models bolt u2netp
    python -m benchmarks.studio --data matting.tar --models bolt
    python -m benchmarks.edges alpha --data matting.tar
    python -m benchmarks.server load

They need `rembolt[test]`: rembg to compare with, scikit-image for the photos of the first two, SciPy for
the distance between boundaries. Photos with true masks are not part of the project; `docs/accuracy.md` says
how they must lie.
"""
