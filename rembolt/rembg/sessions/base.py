"""rembg's `BaseSession`, over a `Remover`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rembolt.errors import UsageError
from rembolt.models.store import home, rembg_homes, weights
from rembolt.remover import Remover, with_canonical_names
from rembolt.segmenters.opening import model_of
from rembolt.segmenters.prepare import prepare
from rembolt.settings import CutoutOptions, SessionOptions, pick

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from rembolt.models.spec import ModelSpec


class BaseSession:
    """A loaded model with rembg's methods. Thread-safe.

    Own sessions derive from it and override `name`, `download_models` and `predict`.

    Args:
        model_name: name of the model.
        sess_opts: an `onnxruntime.SessionOptions`, or None for rembolt's own.
        kwargs: `providers` (a list), `model_path`, `sam_model`, `sam_quant`; others are ignored, as in rembg.
    """

    spec: ClassVar[ModelSpec]

    def __init__(self, model_name: str, sess_opts: Any = None, *args: Any, **kwargs: Any) -> None:
        self.model_name = model_name
        providers = kwargs.get("providers")
        options = _session_options(self.name(), kwargs)
        self._remover = Remover(
            options.model,
            runtime_options=sess_opts,
            providers=providers if isinstance(providers, list) else None,
            model_path=options.model_path,
            sam_model=options.sam_model,
            sam_quant=options.sam_quant,
        )

    @property
    def inner_session(self) -> Any:
        """The `onnxruntime.InferenceSession`."""
        return self._remover.inner_session

    def predict(self, img: Image.Image, *args: Any, **kwargs: Any) -> list[Image.Image]:
        """Find the subject.

        Args:
            img: upright image of any mode.
            args: ignored.
            kwargs: `cloth_category` (or `cc`) and `sam_prompt`; others are ignored.

        Returns:
            Masks of mode `L` at the image's size.
        """
        return self._remover.masks_exactly(img, pick(CutoutOptions, _known(kwargs)))

    def normalize(
        self,
        img: Image.Image,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        size: tuple[int, int],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, npt.NDArray[np.float32]]:
        """The network's input, by name: `float32` `(1, 3, H, W)`, normalised as rembg does."""
        from dataclasses import replace

        spec = replace(self.spec, mean=mean, std=std, input_size=size, brightness="photo-maximum")
        return {self.inner_session.get_inputs()[0].name: prepare(img, spec, exact=True)}

    @classmethod
    def name(cls, *args: Any, **kwargs: Any) -> str:
        """Name of the model."""
        return cls.spec.name

    @classmethod
    def download_models(cls, *args: Any, **kwargs: Any) -> Any:
        """Find or download the weights: their path, or for sam the encoder's and the decoder's."""
        paths = [str(path) for path in weights(model_of(_session_options(cls.name(), kwargs)))]
        return tuple(paths[:2]) if cls.spec.family == "sam" else paths[0]

    @classmethod
    def is_local(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether photos stay on this machine."""
        return cls.spec.family != "service"

    @classmethod
    def is_downloadable(cls) -> bool:
        """Whether there are weights to download."""
        return cls.is_local() and not cls.spec.needs_path and not cls.spec.embedded

    @classmethod
    def requires_credentials(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether the model needs an account."""
        return cls.spec.family == "service"

    @classmethod
    def has_usage_cost(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether each photo is paid for."""
        return cls.spec.family == "service"


def session_class(spec: ModelSpec) -> type[BaseSession]:
    """The session class of one model of the catalogue."""
    words = spec.name.replace("_", "-").split("-")
    title = "".join(word.capitalize() for word in words)
    return type(f"{title}Session", (BaseSession,), {"spec": spec, "__doc__": f"{spec.title}."})


def _known(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords that shape a mask; rembg passes all of `remove`'s on, and ignores the rest."""
    named = with_canonical_names({name: value for name, value in kwargs.items() if value is not None})
    return {name: named[name] for name in ("cloth_category", "sam_prompt") if name in named}


def _session_options(name: str, kwargs: dict[str, Any]) -> SessionOptions:
    path = kwargs.get("model_path")
    if path is not None:
        path = str(_confined(Path(path).expanduser()))
    options = {**kwargs, "model": name, "model_path": path, "sam_quant": bool(kwargs.get("sam_quant"))}
    known = ("model", "model_path", "sam_model", "sam_quant")
    return pick(SessionOptions, {name: options[name] for name in known if name in options})


def _confined(path: Path) -> Path:
    """Refuse own weights outside the model folders, as rembg does, since servers pass user input here."""
    roots = [home(), *rembg_homes()]
    resolved = path.resolve()
    if not any(resolved.is_relative_to(root.resolve()) for root in roots):
        raise UsageError(f"model_path must be within the models directory: {roots[0]}")
    return resolved
