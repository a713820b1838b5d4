"""Which layers must stay in float, by the effect that each has on the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    Effect = Callable[[Collection[str]], float]

LEAST_SHARE = 0.1
"""Of the effect allowed that even a single layer may have."""

ROUNDS = 4
"""How often less is allowed when the layers that were each good enough are not so together."""


def layers_to_spare(layers: Sequence[str], effect: Effect, allowed: float) -> tuple[str, ...]:
    """Find layers whose rounding changes the masks too much.

    Halves are tried first, and only halves that change the masks are looked into: where a few layers of many
    are to blame, as is usual, a few trials find them.

    Args:
        layers: names of all that can be quantised.
        effect: mean change of the masks when these layers alone are quantised.
        allowed: the change that all together may cause.

    Returns:
        The layers to leave in float: as few as were found, none where all are good together, all when even
        the fewest are not.
    """
    if effect(layers) <= allowed:
        return ()
    share = allowed
    for _ in range(ROUNDS):
        spared = tuple(_blamed(layers, effect, share, len(layers)))
        rest = [layer for layer in layers if layer not in spared]
        if not rest or effect(rest) <= allowed:
            return spared
        share /= 2
    return tuple(layers)


def _blamed(layers: Sequence[str], effect: Effect, allowed: float, of: int) -> list[str]:
    if not layers or effect(layers) <= allowed * max(LEAST_SHARE, len(layers) / of):
        return []
    if len(layers) == 1:
        return list(layers)
    middle = len(layers) // 2
    return _blamed(layers[:middle], effect, allowed, of) + _blamed(layers[middle:], effect, allowed, of)
