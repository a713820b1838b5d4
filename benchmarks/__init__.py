"""Side by side with rembg: start, memory, stages, PNG.

Each script prints its table and can write the raw numbers:

    python -m benchmarks.startup --json startup.json
    python -m benchmarks.stages
    python -m benchmarks.png

They need `rembolt[test]`: rembg to compare with, scikit-image for the photos.
"""
