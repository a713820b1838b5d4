"""The options of a photo in a request: which there are, how they are read, how they are documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rembolt.checks import BLUR
from rembolt.colours import colour_of
from rembolt.errors import UnknownModelError, UsageError, brief
from rembolt.setting import settings_of
from rembolt.settings import GROUPS, check_names, names_of, with_canonical_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rembolt.setting import Setting

OPERATORS = ("model_path", "device", "precision", "threads", "offline")
"""Options that whoever runs the service decides, not who uses it."""

NAMES = tuple(name for name in names_of(*GROUPS) if name not in OPERATORS)
"""Options that a request may give."""

_JSON_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read the options of a request.

    Args:
        fields: by name; text as a form has it, or values as JSON has them. Empty text is not given at all,
            which is how forms leave a field out.

    Returns:
        The options under their canonical names; what they are for `Remover` is checked there.

    Raises:
        UsageError: a name is unknown or not for requests, text cannot be read, or an option would open a
            file of the server.
    """
    values = with_canonical_names({name: value for name, value in fields.items() if value not in ("", None)})
    check_names(values, *GROUPS)
    known = settings_of(*GROUPS)
    for name, value in values.items():
        if name in OPERATORS:
            raise UsageError(f"{name} is for the service's operator to set; leave it out.")
        if isinstance(value, str):
            values[name] = known[name].parse(value)
    _refuse_paths(values)
    return values


def _refuse_paths(values: Mapping[str, Any]) -> None:
    """Nothing that a request says may be taken for the path of a file."""
    background = values.get("background")
    if background is not None and (
        not isinstance(background, str) or (background != BLUR and colour_of(background) is None)
    ):
        raise UsageError(
            f"background must be a colour or {BLUR}, not {brief(background)}; "
            "send a photo as background_file."
        )
    model = values.get("model")
    if isinstance(model, str) and ("/" in model or "\\" in model or model.lower().endswith(".onnx")):
        raise UnknownModelError(
            f"model must be a name, not {brief(model)}; GET /v1/models lists those there are."
        )


def properties() -> dict[str, dict[str, Any]]:
    """The options as properties of a JSON Schema, for the OpenAPI document."""
    known = settings_of(*GROUPS)
    return {name: property_of(known[name]) for name in NAMES}


def property_of(setting: Setting) -> dict[str, Any]:
    """One option as JSON Schema."""
    written: dict[str, Any] = {"description": setting.help}
    if setting.kind in _JSON_TYPES:
        written["type"] = _JSON_TYPES[setting.kind]
    else:
        written["type"] = "string"
        written["description"] += " (text, or JSON in a JSON body)"
    if setting.choices:
        written["enum"] = list(setting.choices)
    if setting.minimum is not None:
        written["minimum"] = setting.minimum
    if setting.maximum is not None:
        written["maximum"] = setting.maximum
    if setting.default is not None:
        written["default"] = setting.default
    return written


def parameters() -> list[dict[str, Any]]:
    """The options as query parameters of the OpenAPI document."""
    return [parameter(name, schema) for name, schema in properties().items()]


def parameter(name: str, schema: Mapping[str, Any], *, required: bool = False) -> dict[str, Any]:
    """One query parameter, whose schema has a description."""
    rest = {key: value for key, value in schema.items() if key != "description"}
    said = schema["description"]
    return {"name": name, "in": "query", "required": required, "description": said, "schema": rest}
