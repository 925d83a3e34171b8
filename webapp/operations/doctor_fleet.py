"""What doctor asks of the other processes: that workers answer, beat and the reaper live, and all are of one release."""

from collections.abc import Iterator

from django.utils import timezone

from webapp.broker import waiting
from webapp.display import size
from webapp.fleet.models import NodeKind, WorkerNode
from webapp.fleet.queues import backlog
from webapp.fleet.standing import REAPER, command, heard, is_silent, read_fleet
from webapp.operations.findings import ERROR, OK, WARNING, Finding, room
from webapp.operations.machine import installed_packages
from webapp.operations.state import software
from webapp.readiness import all_busy, worker_answers

_STARTS = {NodeKind.BEAT: "celery -A workers.app beat", NodeKind.REAPER: REAPER}
_NEEDED = {
    NodeKind.BEAT: "searches that stand still are not looked after, and nothing is swept",
    NodeKind.REAPER: "lost runs and messages are not found",
}


def queue(name: str, seconds: float) -> Iterator[Finding]:
    """Does a worker of this queue answer a task that does nothing, and does nothing wait for long without a reason?"""
    part, start = f"worker {name}", f"Start one: python -m {command(name)}"
    if worker_answers(name, seconds):
        yield Finding(part, OK, "Answers.")
    elif all_busy(name):
        yield Finding(part, OK, "All are busy; the next one that is free answers.")
    elif read_fleet(frozenset()).listeners(name):
        hint = "Look at its log; if it hangs, start it anew. Runs go on from their checkpoint."
        yield Finding(part, ERROR, f"It reports itself, but did not answer within {seconds:g} seconds.", hint)
    else:
        yield Finding(part, ERROR, "No worker listens: nothing of it begins.", start)
        return
    reason = read_fleet(frozenset()).why(backlog()[name], waiting(name))
    if reason.kind == "warning":
        yield Finding(part, WARNING, reason.words, reason.start and f"Start: {reason.start}")


def helpers() -> Iterator[Finding]:
    """Did beat and the reaper give a sign of life? They write one into the database every five seconds."""
    now = timezone.now()
    for kind in (NodeKind.BEAT, NodeKind.REAPER):
        nodes = list(WorkerNode.objects.filter(kind=kind).order_by("-heartbeat_at"))
        living = [node for node in nodes if not is_silent(node, now)]
        if not living:
            last = f", the last one was heard {heard(nodes[0], now)} ago" if nodes else ""
            yield Finding(str(kind), ERROR, f"None lives{last}: {_NEEDED[kind]}.", f"Start it: {_STARTS[kind]}")
        elif kind == NodeKind.BEAT and len(living) > 1:
            hosts = ", ".join(node.host for node in living)
            yield Finding(str(kind), WARNING, f"{len(living)} run, on {hosts}: one is enough.", "Stop all but one.")
        else:
            yield Finding(str(kind), OK, f"Lives on {living[0].host}, heard {heard(living[0], now)} ago.")


def device() -> Iterator[Finding]:
    """What the workers that train have, as they report it."""
    workers = read_fleet(frozenset()).listeners("gpu")
    if not workers:
        yield Finding("device", WARNING, "Unknown: no worker of the queue gpu reports itself.", "Start one; it says what it has.")
    for node in workers:
        gpus = node.devices.get("gpus") or []
        if gpus:
            words = ", ".join(f"{gpu['name']} ({size(gpu['memory']) if gpu.get('memory') else 'memory unknown'})" for gpu in gpus)
            yield Finding("device", OK, f"{node.host}: {words}.")
        else:
            words = f"{node.host}: no GPU; it trains on {node.devices.get('cpus', 'an unknown number of')} CPU cores."
            yield Finding("device", OK, words)


def rooms() -> Iterator[Finding]:
    """Have the workers room on their own disks, as they report it?"""
    now = timezone.now()
    for node in WorkerNode.objects.filter(kind=NodeKind.WORKER):
        if not is_silent(node, now):
            for name, (free, total) in (node.sample.get("disks") or {}).items():
                found = room(f"{name} of {node}", free, total)
                if found.level != OK:
                    yield found


def versions() -> Iterator[Finding]:
    """Are the workers of the release of this machine, with the same packages?"""
    now, mine, packages = timezone.now(), software(), installed_packages()
    nodes = [node for node in WorkerNode.objects.all() if not is_silent(node, now)]
    hint = "Bring the same release to every host, and start its services anew (deploy/README.md, Upgrade)."
    found = False
    for node in nodes:
        theirs = node.devices.get("packages") or {}
        unlike = [f"{name} {theirs[name]}, here {has}" for name, has in packages.items() if theirs.get(name, has) != has]
        if node.software and mine and node.software != mine:
            unlike.insert(0, f"DARec Lab {node.software}, here {mine}")
        if unlike:
            found = True
            yield Finding("versions", WARNING, f"{node} has {'; '.join(unlike[:3])}.", hint)
    if not found:
        yield Finding(
            "versions", OK, f"{len(nodes)} other processes have DARec Lab {mine or 'of this checkout'} and its packages."
        )
