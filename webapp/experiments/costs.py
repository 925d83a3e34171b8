"""What a run is likely to cost, read from the project's earlier runs: for the new-run page and for REST."""

from dataclasses import dataclass

from engine.errors import UserError
from engine.methods.sizes import trainable_parameters
from engine.spec import RunSpec
from webapp.datasets.models import Version
from webapp.experiments.estimate import Estimate, Record, estimate, flattened, same_architecture
from webapp.experiments.models import Run, RunState

_MOST_RECORDS = 100


@dataclass(frozen=True)
class Cost:
    """An estimate, and how large the model is.

    Attributes:
        parameters: trainable ones; None where neither arithmetic nor an earlier run tells.
        twin: the earlier run that told, where arithmetic does not.
        warnings: what is wrong with the sizes, in words.
    """

    estimate: Estimate
    parameters: int | None
    twin: Record | None
    warnings: list[str]


def cost_of(spec: RunSpec, version: Version) -> Cost:
    """What a run of ``spec`` on ``version`` is likely to cost. One query."""
    records = records_of(version, spec.method.id)
    warnings = []
    try:
        parameters = trainable_parameters(spec, version.users or 0, version.items or 0)
    except UserError as error:
        parameters = None
        warnings.append(str(error))
    twin = same_architecture(spec, version.pk, records) if parameters is None else None
    found = estimate(spec, version.pk, version.interactions or 0, records)
    return Cost(found, twin.parameters if twin else parameters, twin, warnings)


def records_of(version: Version, method: str) -> list[Record]:
    """The method's runs that succeeded in the version's project, newest first."""
    runs = Run.objects.filter(project=version.dataset.project_id, method=method, state=RunState.SUCCEEDED, seconds__isnull=False)
    names = ("pk", "version_id", "version__interactions", "spec", "machine", "seconds", "epochs", "targets_per_second")
    rows = runs.order_by("-pk").values_list(*names, "peak_memory_bytes", "trainable_parameters", "attempt")[:_MOST_RECORDS]
    return [
        Record(
            name=f"run-{pk}",
            version=on,
            interactions=interactions or 0,
            settings=flattened(spec),
            machine=machine,
            seconds=seconds,
            epochs=epochs or 0,
            targets_per_second=speed or 0.0,
            peak=peak or None,
            parameters=parameters,
            attempts=attempt,
        )
        for pk, on, interactions, spec, machine, seconds, epochs, speed, peak, parameters, attempt in rows
    ]
