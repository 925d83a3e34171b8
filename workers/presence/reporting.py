"""A process's sign of life: a thread that writes a row every few seconds, and bears that the database is away."""

import logging
import threading
import time
from dataclasses import dataclass, field

import psutil
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from webapp.fleet.models import Job, WorkerNode
from webapp.operations.machine import disks, installed_packages
from workers.presence.node import Node, software
from workers.presence.samples import Sampler

_log = logging.getLogger(__name__)
_TROUBLE = (DatabaseError, InterfaceError)


@dataclass
class Presence:
    """Says every ``interval`` seconds that ``node`` is there, what its machine does, and which of its jobs have ended.

    Nobody's work depends on it: whatever fails here is logged once, until it goes well again.
    """

    node: Node
    interval: float
    sampler: Sampler = field(default_factory=Sampler)
    stopping: bool = False
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _in_trouble: bool = False
    _begun: bool = False

    def start(self) -> None:
        """Begin to report, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report no more, and take the row away: this process ends as it should."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(5)
        try:
            WorkerNode.objects.filter(name=self.node.name).delete()
        except _TROUBLE as error:
            # It shows as silent then, and is swept after a day.
            _log.warning("cannot say that %s ends: %s", self.node.name, str(error).strip())
        finally:
            connection.close()

    def report(self) -> bool:
        """Write the row once; False if that failed."""
        try:
            self._write()
        except _TROUBLE as error:
            if not self._in_trouble:
                _log.warning("cannot say that %s is alive, trying on: %s", self.node.name, str(error).strip())
            self._in_trouble = True
            return False
        finally:
            # Never kept: a pool process may be forked at any time, and must not inherit a connection that is in use.
            connection.close()
        if self._in_trouble:
            _log.info("%s is seen again", self.node.name)
        self._in_trouble = False
        return True

    def _run(self) -> None:
        while True:
            self.report()
            if self._end.wait(self.interval):
                return

    def _write(self) -> None:
        node = self.node
        row = WorkerNode.objects.filter(name=node.name).first()
        if row is None or not self._begun:
            row = self._begin()
            self._begun = True
        sample = {**self.sampler.sample(self._living_jobs(row)), "disks": disks(), "clock": time.time()}
        WorkerNode.objects.filter(pk=row.pk).update(sample=sample, stopping=self.stopping, heartbeat_at=Now())

    def _begin(self) -> WorkerNode:
        node = self.node
        values = {
            "kind": node.kind,
            "celery_name": node.celery_name,
            "host": node.host[:200],
            "pid": node.pid,
            "queues": sorted(node.queues),
            "concurrency": node.concurrency,
            "software": software(),
            "stopping": self.stopping,
            "devices": {**self.sampler.devices(), "packages": installed_packages()},
            "started_at": Now(),
            "heartbeat_at": Now(),
        }
        row, _ = WorkerNode.objects.update_or_create(name=node.name, defaults=values)
        return row

    def _living_jobs(self, row: WorkerNode) -> list[int]:
        """The children that work; a job whose process is gone was not taken away because its worker process was killed."""
        pids = list(row.jobs.values_list("pid", flat=True))
        gone = [pid for pid in pids if not psutil.pid_exists(pid)]
        if gone:
            Job.objects.filter(node=row, pid__in=gone).delete()
        return [pid for pid in pids if pid not in gone]
