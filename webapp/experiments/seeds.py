"""Seeds as people write them: whole numbers with commas between."""

from engine.errors import UserError
from webapp.display import count

MAX_SEEDS = 10
LARGEST_SEED = 2**31 - 1


def read_seeds(text: str) -> tuple[int, ...]:
    """Different whole numbers from ``0,1,2``; raises UserError for anything else, and for more than ``MAX_SEEDS``."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not (part.isascii() and part.isdecimal()) or len(part) > len(str(LARGEST_SEED)) or int(part) > LARGEST_SEED:
            raise UserError(f"Got '{part}', must be a whole number from 0 to {count(LARGEST_SEED)}.")
    seeds = tuple(int(part) for part in parts)
    if not 1 <= len(seeds) <= MAX_SEEDS:
        raise UserError(f"Got {len(seeds)} seeds, must be 1 to {MAX_SEEDS}.")
    if len(set(seeds)) < len(seeds):
        raise UserError("A seed stands there twice: the same seed gives the same run.")
    return seeds
