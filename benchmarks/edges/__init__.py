"""How well edges are cut out: alphas, masks, colours, time and memory, and a page to look at.

    python -m benchmarks.edges alpha --data alphamatting.tar
    python -m benchmarks.edges masks --data ecssd.tar --models bolt u2netp
    python -m benchmarks.edges colours --data alphamatting.tar
    python -m benchmarks.edges time
    python -m benchmarks.edges page --data alphamatting.tar --out edges.webp

`alpha`, `colours` and `page` need photos with true alphas, `masks` photos with true masks; `docs/accuracy.md`
says how they must lie. Where rembg is not installed its rows are left out, with a word about it.
"""
