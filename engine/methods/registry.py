"""The register of methods: what is known of each without importing its code."""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.methods.spec import MethodSpec
from engine.registry import Registry

if TYPE_CHECKING:
    from engine.methods.method import Method


@dataclass(frozen=True)
class MethodEntry:
    """What is known of a method without running it.

    Attributes:
        title: name as people write it.
        sentence: what it does, in one sentence.
        paper: address of its paper, or empty.
        spec: the class of its settings.
        implementation: ``module:Class`` of its code.
    """

    id: str
    title: str
    sentence: str
    paper: str
    spec: type[MethodSpec]
    implementation: str

    def load(self) -> "type[Method[Any]]":
        """Import the code (and with it torch)."""
        module, _, name = self.implementation.partition(":")
        loaded: type[Method[Any]] = getattr(importlib.import_module(module), name)
        return loaded


METHODS: Registry[MethodEntry] = Registry("method")


def register_method(spec: type[MethodSpec], *, title: str, sentence: str, paper: str = "") -> None:
    """Register the method whose settings are ``spec`` and whose code is ``method.py`` beside it, class ``Implementation``."""
    name = str(spec.model_fields["id"].default)
    package = spec.__module__.rpartition(".")[0]
    METHODS.register(name, MethodEntry(name, title, sentence, paper, spec, f"{package}.method:Implementation"))
