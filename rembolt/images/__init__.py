"""Photos in, pictures out, and back: decode, arrays, encode. Knows no network."""
