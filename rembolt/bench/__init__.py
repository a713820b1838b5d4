"""`rembolt bench`: how fast and how large, on this machine, beside rembg in a process of its own."""
