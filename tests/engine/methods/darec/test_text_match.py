"""The direct match of texts, against the formula in its docstring."""

import math

import torch
from torch.nn import functional

from engine.methods.darec.text_match import TextMatch


def test_scores_follow_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    text = torch.randn(5, 3, generator=generator)
    match = TextMatch(text, d_model=4, strength=2.5)
    with torch.no_grad():
        match.scale.copy_(torch.tensor([0.5, 1.0, 2.0]))
        match.decay.copy_(torch.tensor(math.log(0.6 / 0.4)))
        match.from_hidden.weight.copy_(torch.randn(3, 4, generator=generator))
    histories, hidden = torch.tensor([[4, 0, 2], [1, 5, 5]]), torch.randn(2, 3, 4, generator=generator)
    with torch.no_grad():
        found = match.queries(histories, hidden) @ match.keys().T
        mean = text[2] + 0.6 * text[0] + 0.36 * text[4]
        query = functional.normalize(mean * match.scale + match.from_hidden.weight @ hidden[0, 2], dim=0)
        for item in range(5):
            key = functional.normalize(text[item] * match.scale, dim=0)
            torch.testing.assert_close(found[0, 2, item], 2.5 * query @ key)
        first = functional.normalize(text[1] * match.scale + match.from_hidden.weight @ hidden[1, 0], dim=0)
        torch.testing.assert_close(match.queries(histories, hidden)[1, 0], 2.5 * first)


def test_it_starts_from_the_texts_alone() -> None:
    match = TextMatch(torch.eye(4), d_model=2, strength=1.0)
    with torch.no_grad():
        scores = match.queries(torch.tensor([[3]]), torch.randn(1, 1, 2)) @ match.keys().T
    torch.testing.assert_close(scores[0, 0], torch.tensor([0.0, 0.0, 0.0, 1.0]))


def test_an_item_without_text_matches_nothing() -> None:
    match = TextMatch(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), d_model=2, strength=1.0)
    with torch.no_grad():
        assert not match.keys()[1].any()
        assert not match.queries(torch.tensor([[1]]), torch.zeros(1, 1, 2)).any()
