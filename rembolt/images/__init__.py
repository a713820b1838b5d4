"""Photos in, pictures out, and back: decode, arrays, encode. Knows no network."""

from rembolt.images.arrays import picture_from_array
from rembolt.images.decode import decode, picture_from_image
from rembolt.images.encode import OUTPUT_FORMATS, OutputFormat, encode, format_of, output_format
from rembolt.images.files import write_atomically
from rembolt.images.formats import SOURCE_FORMATS, SourceFormat
from rembolt.images.limits import MAX_PIXELS
from rembolt.images.picture import Picture
from rembolt.images.png import encode_png
from rembolt.images.raw import open_image

__all__ = [
    "MAX_PIXELS",
    "OUTPUT_FORMATS",
    "SOURCE_FORMATS",
    "OutputFormat",
    "Picture",
    "SourceFormat",
    "decode",
    "encode",
    "encode_png",
    "format_of",
    "open_image",
    "output_format",
    "picture_from_array",
    "picture_from_image",
    "write_atomically",
]
