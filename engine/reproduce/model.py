"""What a bundle says. No torch here."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.data.manifest import Manifest
from engine.result import Protocol


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Frozen):
    """What it was computed on and with: equal machines give equal bits on the CPU."""

    kind: str = Field(description="'CPU, 2 threads', or the CUDA device's name")
    processor: str = Field(description="the processor's name, and the instructions that torch uses of it")
    system: str = Field(description="operating system and architecture")
    packages: dict[str, str] = Field(description="version of python and of each package that numbers hang on")


class Numbers(_Frozen):
    """What came out of a run.

    ``ranks`` holds, for each part, SHA-256 over the users' indexes (int32) and their targets' mid-ranks (float64): where these
    are equal, every metric of single users is.
    """

    protocol: Protocol
    valid: dict[str, float]
    test: dict[str, float]
    ranks: dict[str, str]


class Bundle(_Frozen):
    """The content of ``bundle.json``."""

    format: Literal[1] = 1
    spec: dict[str, Any] = Field(description="engine.spec.RunSpec, every setting spelled out")
    seed: int
    command: str = Field(description="trains the run again, in the bundle's unpacked folder")
    manifest: Manifest = Field(description="of the version; its hash is the data's")
    machine: Machine
    numbers: Numbers
    seconds: float = Field(description="wall time that training and evaluation took")
    timed: bool = Field(description="training ended by the clock: a machine of another speed trains another number of steps")
