"""``leave-one-out``: see :func:`engine.data.split.leave_one_out`."""

from engine.data.split import leave_one_out
from engine.data.splits.registry import register_split

register_split("leave-one-out", lambda version, spec: leave_one_out(version))
