"""rembg's `BaseSession`, over a `Remover`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rembolt.engine.loading import load, session_options
from rembolt.errors import UsageError
from rembolt.models.spec import ModelSpec
from rembolt.models.store import home, rembg_homes, weights
from rembolt.remover import Remover
from rembolt.segmenters.opening import model_of
from rembolt.segmenters.prepare import prepare
from rembolt.settings import CutoutOptions, SessionOptions, pick, with_canonical_names

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image


class BaseSession:
    """A loaded model with rembg's methods. Thread-safe.

    Own sessions derive from it and override `name`, `download_models` (which gives the path of the ONNX file)
    and `predict`, which may use `normalize` and `inner_session`.

    Args:
        model_name: name of the model.
        sess_opts: an `onnxruntime.SessionOptions`, or None for rembolt's own.
        kwargs: `providers` (a list), `model_path`, `sam_model`, `sam_quant`; others are ignored, as in rembg.
    """

    spec: ClassVar[ModelSpec | None] = None

    def __init__(self, model_name: str, sess_opts: Any = None, *args: Any, **kwargs: Any) -> None:
        self.model_name = model_name
        providers = kwargs.get("providers")
        if self.spec is None:
            # An own session: its weights, and rembg's way to open them.
            session = load(
                Path(self.download_models(*args, **kwargs)),
                sess_opts or session_options(),
                providers if isinstance(providers, list) else ["CPUExecutionProvider"],
            )
            self.inner_session: Any = session
            return
        options = _session_options(self.name(), kwargs)
        self._remover = Remover(
            options.model,
            runtime_options=sess_opts,
            providers=providers if isinstance(providers, list) else None,
            model_path=options.model_path,
            sam_model=options.sam_model,
            sam_quant=options.sam_quant,
            exact=True,
        )
        self.inner_session = self._remover.inner_session

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
        spec = ModelSpec(name=self.name(), title="", mean=mean, std=std, input_size=size)
        return {self.inner_session.get_inputs()[0].name: prepare(img, spec, exact=True)}

    @classmethod
    def name(cls, *args: Any, **kwargs: Any) -> str:
        """Name of the model; own sessions override it."""
        return _spec(cls).name

    @classmethod
    def download_models(cls, *args: Any, **kwargs: Any) -> Any:
        """Find or download the weights: their path, or for sam the encoder's and the decoder's."""
        paths = [str(path) for path in weights(model_of(_session_options(cls.name(), kwargs)))]
        return tuple(paths[:2]) if _spec(cls).family == "sam" else paths[0]

    @classmethod
    def is_local(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether photos stay on this machine."""
        return cls.spec is None or cls.spec.family != "service"

    @classmethod
    def is_downloadable(cls) -> bool:
        """Whether there are weights to download."""
        return cls.is_local() and (cls.spec is None or not (cls.spec.needs_path or cls.spec.embedded))

    @classmethod
    def requires_credentials(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether the model needs an account."""
        return not cls.is_local()

    @classmethod
    def has_usage_cost(cls, *args: Any, **kwargs: Any) -> bool:
        """Whether each photo is paid for."""
        return not cls.is_local()


def session_class(spec: ModelSpec) -> type[BaseSession]:
    """The session class of one model of the catalogue."""
    words = spec.name.replace("_", "-").split("-")
    title = "".join(word.capitalize() for word in words)
    return type(f"{title}Session", (BaseSession,), {"spec": spec, "__doc__": f"{spec.title}."})


def _spec(session: type[BaseSession]) -> ModelSpec:
    if session.spec is None:
        raise UsageError(f"{session.__name__} must override name, download_models and predict.")
    return session.spec


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
