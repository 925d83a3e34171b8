"""When numbers agree, and how it is said."""

import pytest

from engine.reproduce.machine import differences
from engine.reproduce.model import Machine, Numbers
from engine.reproduce.verdict import verdict
from engine.result import Protocol

PROTOCOL = Protocol(
    version="a",
    split="leave-one-out",
    split_hash="b",
    seen="remove",
    candidates="full",
    ties="mid-rank",
    catalogue=10,
    metrics=["hr"],
)
MACHINE = Machine(kind="CPU, 1 thread", processor="x", system="Linux", packages={"python": "3.11", "torch": "2"})


def numbers(ndcg: float, ranks: str = "r") -> Numbers:
    return Numbers(protocol=PROTOCOL, valid={"ndcg@10": 0.5}, test={"ndcg@10": ndcg}, ranks={"test": ranks})


@pytest.mark.parametrize(
    ("now", "why", "agrees", "bits", "words"),
    [
        (numbers(0.4), [], True, True, "same to the last bit"),
        (numbers(0.4 + 1e-15), [], False, False, "not the same, although"),
        (numbers(0.4, "others"), [], False, False, "not the same, although"),
        (numbers(0.41), ["another processor"], True, False, "agree within 5%"),
        (numbers(0.3), ["another processor"], False, False, "1 of 2 numbers differ by more than 5%"),
        (numbers(0.4), ["another processor"], True, True, "same to the last bit"),
    ],
)
def test_the_answer(now: Numbers, why: list[str], agrees: bool, bits: bool, words: str) -> None:
    answer = verdict(numbers(0.4), now, why, 0.05)
    assert (answer.agrees, answer.bits, answer.expected) == (agrees, bits, "tolerance" if why else "bits")
    assert words in answer.sentence


def test_another_protocol_never_agrees() -> None:
    other = numbers(0.4).model_copy(update={"protocol": PROTOCOL.model_copy(update={"seen": "keep"})})
    answer = verdict(numbers(0.4), other, ["why"], 1)
    assert not answer.agrees
    assert "protocol is another one" in answer.sentence


def test_what_is_another_machine() -> None:
    assert differences(MACHINE, MACHINE) == []
    other = MACHINE.model_copy(update={"kind": "CPU, 2 threads", "packages": {"python": "3.11", "torch": "3", "peft": "1"}})
    assert differences(MACHINE, other) == [
        "kind: CPU, 1 thread, here CPU, 2 threads",
        "peft: none, here 1",
        "torch: 2, here 3",
    ]
