"""The result of a run: what the command line prints, the worker stores and the pages show."""

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataCounts(_Frozen):
    """The size of a version."""

    users: int
    items: int
    interactions: int


class Protocol(_Frozen):
    """All that must be equal before two numbers may stand side by side."""

    version: str = Field(description="content hash of the version")
    split: str = Field(description="name of the split, e.g. leave-one-out or user-ratio (94 users validate, 95 test)")
    split_hash: str
    seen: str = Field(description="'remove' or 'keep': what happens to items of the user's history")
    candidates: str = Field(
        description="'full': every item of the catalogue is ranked; 'imported': at the test each user's list in the data alone"
    )
    ties: str = Field(description="'mid-rank': half of the equal scores count as better")
    catalogue: int = Field(description="number of items of the version")
    metrics: list[str] = Field(description="names of the metrics, sorted")


class LayerAdapter(_Frozen):
    """What one layer of the backbone got, read back from the injected model."""

    layer: int
    kind: str
    target: str
    rank: int
    parameters: int = Field(description="trainable parameters of the layer's adapter")


class ItemLine(_Frozen):
    """An item as it is shown."""

    id: str
    title: str


class ScoredItem(ItemLine):
    """A recommended item with its score (comparable within one list only)."""

    score: float


class Sample(_Frozen):
    """Sample recommendations for one user of the test split."""

    user: str
    history: list[ItemLine] = Field(description="the last items before the held-out one, oldest first")
    target: ItemLine = Field(description="the held-out item")
    rank: float = Field(description="0-based mid-rank of the held-out item")
    recommended: list[ScoredItem] = Field(description="best first")


class SliceLine(_Frozen):
    """Test metrics of some of the users."""

    of: str = Field(description="'items': by the target's number of training interactions; 'users': by the length of the history")
    name: str = Field(description="new, tail, mid, head; short, middle, long")
    bounds: str = Field(description="the numbers that belong to it, e.g. 10-29")
    users: int
    metrics: dict[str, float] = Field(description="ndcg@10 and hr@10; empty where there is no user")
    intervals: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="95 % interval of each metric over users: lower end, upper end"
    )


class MaskPart(_Frozen):
    """Which token sees which, in some layers or heads."""

    title: str = Field(description="where it holds, e.g. all layers; empty if there is nothing to tell apart")
    tokens: list[str] = Field(description="what each token says")
    items: list[int] = Field(description="number of the item that each token belongs to, from 0; -1: none")
    rows: list[str] = Field(description="one text of 0 and 1 a token: which tokens it sees")


class MaskSample(_Frozen):
    """The attention mask of a run on the history of one user."""

    mask: str = Field(description="method.mask")
    history: list[ItemLine]
    parts: list[MaskPart]


class Result(_Frozen):
    """Everything a finished run has to say. Metric values are means over users."""

    method: str
    preset: str | None
    data: DataCounts
    protocol: Protocol
    valid: dict[str, float]
    test: dict[str, float] = Field(description="empty where evaluation.test is off")
    intervals: dict[str, dict[str, tuple[float, float]]] = Field(
        default_factory=dict, description="valid, test: 95 % interval over users of each metric of single users: lower, upper end"
    )
    seconds: float = Field(description="wall time of training and evaluation, with what earlier attempts trained")
    trainable_parameters: int
    targets_per_second: float = Field(description="supervised targets per second of training; 0 if nothing is trained")
    machine: str = Field("", description="what it was computed on: 'CPU, 2 threads', or the CUDA device's name")
    peak_memory_bytes: int = Field(
        0, description="the most memory held at once: of the CUDA device's, or, on the CPU, of the process's"
    )
    epochs: int = Field(description="epochs trained, over all stages")
    best_epoch: int = Field(description="the epoch that validation chose")
    stage_epochs: list[int] = Field(
        default_factory=list,
        description="of each stage of the training, in how many of its epochs the weights were trained that validation chose; "
        "empty: nothing was trained in stages, or an older run",
    )
    refit_of: str | None = Field(
        None,
        description="the run whose choices this one repeats on all interactions: nothing was held out, so it has no metrics of "
        "its own, and that run's metrics are the ones to quote",
    )
    curve: list[float] = Field(
        default_factory=list, description="validation NDCG@10 at each evaluation of the last stage, before any blending"
    )
    curve_at: list[float] = Field(
        default_factory=list,
        description="how far the last stage was at each of them, 0 to 1: its epochs or its time, whichever is nearer the end",
    )
    stopped_below: bool = Field(False, description="True if training.stop_below ended the last stage")
    users_evaluated: int
    slices: list[SliceLine] = Field(default_factory=list)
    architecture: list[LayerAdapter] = Field(default_factory=list)
    samples: list[Sample] = Field(default_factory=list)
    mask: MaskSample | None = Field(None, description="None for methods without an attention mask over tokens")
    warnings: list[str] = Field(default_factory=list)
