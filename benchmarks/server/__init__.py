"""The HTTP service under load, beside rembg's: pace, memory, the cache, too many clients, and being stopped.

    python -m benchmarks.server load
    python -m benchmarks.server memory
    python -m benchmarks.server cache
    python -m benchmarks.server overload
    python -m benchmarks.server stop

Servers and clients are processes of their own that talk over the loopback interface only; the clients are
threads that wait for each answer before they ask again. No two requests of a part bring the same bytes unless
it is about the cache. The network is `u2netp` on both sides, with random weights of the same shape where the
real ones are not on this machine. Where rembg is not installed its rows are left out, with a word about it.
"""
