"""A direct match of texts in the ranking: what the history's items say against what a candidate says.

It adds ``g <q_k, a * t_i / |a * t_i|>`` to the score ``s(i|k)``, with ``q_k`` of length 1 along ``a * m_k + W_q h_k``: the mean
``m_k`` of the text vectors of the items read so far, each step back counting a learned factor less, and what the backbone
makes of them. The CF model's vectors have too few dimensions to hold both who took what and what it says.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

START_DECAY = 0.7


class TextMatch(nn.Module):
    """Queries and keys in the space of text vectors.

    Args:
        text: ``t_i``, `items x components`.
        d_model: size of the backbone's states.
        strength: ``g`` at the start.
    """

    def __init__(self, text: Tensor, d_model: int, strength: float) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.tensor(strength))
        self.decay = nn.Parameter(torch.tensor(math.log(START_DECAY / (1 - START_DECAY))))
        self.scale = nn.Parameter(torch.ones(text.shape[1]))
        self.from_hidden = nn.Linear(d_model, text.shape[1], bias=False)
        nn.init.zeros_(self.from_hidden.weight)
        self.register_buffer("text", functional.pad(text, (0, 0, 0, 1)), persistent=False)
        self.text: Tensor

    def keys(self) -> Tensor:
        """`items x components`, each of length 1, or 0 for an item whose text vector is 0."""
        return functional.normalize(self.text[:-1] * self.scale, dim=1)

    def queries(self, histories: Tensor, hidden: Tensor) -> Tensor:
        """``g q_k``: `batch x length x components`.

        Args:
            histories: `batch x length`, padded on the right with the number of items.
            hidden: ``h_k``, `batch x length x d_model`.
        """
        mean = self._mean(histories)
        return self.strength * functional.normalize(mean * self.scale + self.from_hidden(hidden), dim=2)

    def history_queries(self, histories: Tensor) -> Tensor:
        """The same without ``h_k`` and ``g``, what the texts alone say: `batch x length x components`."""
        return functional.normalize(self._mean(histories) * self.scale, dim=2)

    def _mean(self, histories: Tensor) -> Tensor:
        places = torch.arange(histories.shape[1], device=histories.device)
        back = (places[:, None] - places).clamp(min=0)
        weights = (torch.sigmoid(self.decay) ** back).tril()
        return weights @ self.text[histories]
