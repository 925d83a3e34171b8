"""Settings of blending. No torch here."""

from engine.fields import Spec, setting


class BlendSpec(Spec):
    """Linear blending: one weight for each part of the score, fitted on validation targets once training has ended."""

    fit: bool = setting(
        False, "after training, weigh the parts of the score on validation; its figures are then fitted by as many weights"
    )
    counts: bool = setting(
        True,
        "counted models are parts too: markov, sequential rules, item-knn, popularity; where seen items stay, repeats",
    )
    users: int = setting(2000, "validation users that weights are fitted on, at most", "users", ge=10, le=100_000)
