"""A network that learns batch by batch, and all that its next step depends on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from training.losses import distance, loss
from training.measure import normalise
from training.muon import Muon
from training.network import SEEN, Bolt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.optim import Optimizer

    from training.batches import Batch
    from training.recipe import Recipe


class Trainer:
    """A network, its running average and its optimizers.

    Args:
        recipe: what is trained and how.
        device: where.
        channels: of a teacher's features, layer by layer, where the recipe has a teacher.

    Attributes:
        precision: of the convolutions, bfloat16 where the device computes it; weights and losses are float32.
    """

    def __init__(self, recipe: Recipe, device: torch.device, channels: tuple[int, ...] = ()) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.device = device
        self.step = 0
        self.network = Bolt().to(device, memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.network).eval()
        # What the network sees is compared with what a teacher sees through these, which are not kept.
        self.lenses = nn.ModuleList(
            nn.Conv2d(seen, wanted, 1) for seen, wanted in zip(SEEN, channels, strict=bool(channels))
        ).to(device)
        # Elsewhere bfloat16 is computed by way of float32, at half the speed.
        self.precision = torch.bfloat16 if _computes_bfloat16(device) else torch.float32
        self.optimizers = _optimizers(self.network, self.lenses, recipe.weight_decay, self.precision)

    def learn(self, batch: Batch) -> Tensor:
        """Take one step and return its loss, a scalar on the device."""
        _, rate = self.recipe.at(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            answers = self.network(normalise(self._here(batch.pictures)))
        value = self._loss([answer.float() for answer in answers], batch)
        self.network.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._update_average()
        return value.detach()

    def _loss(self, finest_first: list[Tensor], batch: Batch) -> Tensor:
        """Distance from the photos' masks, and from what a teacher answers and sees, where there is one."""
        masks, boundaries = self._shares(batch.masks), self._shares(batch.boundaries)
        taught, teaching = batch.answers, self.recipe.teaching
        if taught is None or teaching is None:
            return loss(finest_first, masks, boundaries)
        lessons = len(taught.masks)
        masks[:lessons].lerp_(self._shares(taught.masks), teaching.masks)
        value = loss(finest_first, masks, boundaries)
        if not self.lenses:
            return value
        seen = [
            lens(layer[:lessons].float()) for lens, layer in zip(self.lenses, self.network.seen, strict=True)
        ]
        features = [self._here(layer) for layer in taught.features]
        return value + teaching.features * distance(seen, features)

    def _shares(self, masks: NDArray[np.uint8]) -> Tensor:
        return self._here(masks)[:, None].float().div_(255)

    def _here(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        # A young average forgets sooner, or the first weights, drawn by chance, would stay for long.
        stays = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        mean, now = self.average.state_dict(), self.network.state_dict()
        floats = [name for name in mean if mean[name].is_floating_point()]
        torch._foreach_lerp_([mean[name] for name in floats], [now[name] for name in floats], 1 - stays)

    def start_from(self, network: Bolt) -> None:
        """Take another network's weights for the first ones, before any step."""
        self.network.load_state_dict(network.state_dict())
        self.average.load_state_dict(network.state_dict())

    def state(self) -> dict[str, Any]:
        """Give what the next step depends on, beside the recipe."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "lenses": self.lenses.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.lenses.load_state_dict(state["lenses"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def _optimizers(network: Bolt, lenses: nn.Module, decay: float, precision: torch.dtype) -> list[Optimizer]:
    """Muon for the dense convolutions between the first and the answers, AdamW for all else."""
    hidden, weights, others = [], [], []
    for name, value in network.named_parameters():
        if value.ndim == 1:
            others.append(value)
        elif value.shape[1] == 1 or name.startswith(("stem.", "heads.")):
            weights.append(value)
        else:
            hidden.append(value)
    for value in lenses.parameters():
        (others if value.ndim == 1 else weights).append(value)
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    return [Muon(hidden, decay=decay, precision=precision), torch.optim.AdamW(groups, fused=True)]
