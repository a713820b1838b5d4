"""The fields of a request, as they are documented."""

from __future__ import annotations

from typing import Any

FILES = ("image_file", "bg_image_file")
"""Fields that are files of a multipart form."""

FIELDS: dict[str, dict[str, Any]] = {
    "image_file": {"format": "binary", "description": "The photo. One of the three image_ fields is needed."},
    "image_file_b64": {"description": "The photo's bytes in base64."},
    "image_url": {"description": "Address of the photo; only where the server fetches URLs."},
    "size": {
        "default": "preview",
        "enum": ["preview", "small", "regular", "medium", "hd", "full", "4k", "50MP", "auto"],
        "description": "Most megapixels worked on: preview, small and regular 0.25, medium 1.5, hd 4, "
        "full, 4k and auto 25, 50MP 50; for PNG 10 at most.",
    },
    "type": {"description": "Kind of subject; all are found by the same model, so it changes nothing."},
    "type_level": {"description": "none leaves the header X-Type out, which else says other."},
    "format": {
        "default": "auto",
        "enum": ["auto", "png", "jpg", "webp", "zip"],
        "description": "Format of the result; auto is jpg with an opaque background, else png. zip holds "
        "color.jpg and alpha.png.",
    },
    "channels": {
        "default": "rgba",
        "enum": ["rgba", "alpha"],
        "description": "alpha gives the mask alone, in grey.",
    },
    "roi": {
        "default": "0% 0% 100% 100%",
        "description": "Where the subject is: two corners, in px of the photo as it is sent, or %.",
    },
    "crop": {"type": "boolean", "default": False, "description": "Cut the result down to the subject."},
    "crop_margin": {
        "default": "0",
        "description": "Room that crop leaves around the subject: 1, 2 or 4 lengths such as 10px or 5%.",
    },
    "scale": {"description": "Part of the picture that the subject fills: original, or 10% to 100%."},
    "position": {
        "description": "Where the subject lies: original, center, or 0% to 100% once or twice (across, down)."
    },
    "bg_color": {"description": "Colour behind: a name, or 3, 4, 6 or 8 hexadecimal digits."},
    "bg_image_url": {"description": "Address of a photo to put behind; only where the server fetches URLs."},
    "bg_image_file": {"format": "binary", "description": "A photo to put behind."},
    "add_shadow": {"type": "boolean", "default": False, "description": "Draw a soft shadow."},
    "shadow_type": {
        "enum": ["none", "auto", "drop", "car", "3D"],
        "description": "All but none draw the one soft shadow there is; takes precedence over add_shadow.",
    },
    "shadow_opacity": {
        "type": "number",
        "minimum": 0,
        "maximum": 100,
        "default": 50,
        "description": "Opacity of the shadow in percent.",
    },
    "semitransparency": {
        "type": "boolean",
        "default": True,
        "description": "Soft edges and what shines through are always kept; false changes nothing.",
    },
}
"""All fields by name, as JSON Schema; the type is text where none is said."""

_PROPERTIES = {name: {"type": "string", **written} for name, written in FIELDS.items()}
_TEXTS = {name: written for name, written in _PROPERTIES.items() if name not in FILES}

BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "properties": _PROPERTIES}},
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": _TEXTS}},
        "application/json": {"schema": {"type": "object", "properties": _TEXTS}},
    },
}

_ERROR_CONTENT = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["errors"],
            "properties": {
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["title", "code"],
                        "properties": {"title": {"type": "string"}, "code": {"type": "string"}},
                    },
                }
            },
        }
    }
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": _ERROR_CONTENT}
    for status, text in {
        400: "A field or the photo cannot be used, or there is no subject in it.",
        403: "The API key is missing or wrong.",
        408: "The body did not come in time.",
        429: "The client sent as much as it may for now.",
        503: "Too much to do; `Retry-After` says when to come again.",
    }.items()
}

_PLACES = {f"foreground_{side}": {"type": "integer"} for side in ("top", "left", "width", "height")}
_BINARY = {"schema": {"type": "string", "format": "binary"}}

RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result; as JSON where `Accept` asks for that.",
        "content": {
            **dict.fromkeys(("image/png", "image/jpeg", "image/webp", "application/zip"), _BINARY),
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "data": {
                            "type": "object",
                            "properties": {"result_b64": {"type": "string"}, **_PLACES},
                        }
                    },
                }
            },
        },
    }
}
