"""The bench of random kills: ``python -m tests.faults.bench --kills 50 --seed 0``; prints what came out, and ends with 1 if
anything was lost, came twice, differed from an undisturbed run, or was said falsely."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.bench.installation import Installation
from tests.faults.bench.plan import draw
from tests.faults.record import SEED, chance


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="tests.faults.bench", description="Kills things at random while real work goes on.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--searches", action="store_true", help="have searches too, which takes a minute more")
    parser.add_argument("--out", type=Path, help="file for the report as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dareclab-kills-") as name:
        folder = Path(name)
        # Postgres runs as another user if we are root, and must reach its folder.
        folder.chmod(0o755)
        report = suffer(folder, options.kills, options.searches)
    text = json.dumps(report, indent=1)
    print(text if options.out is None else f"runs lost {len(report['lost'])}, twice {len(report['twice'])}")
    if options.out is not None:
        options.out.write_text(text)
    return int(any(report[name] for name in ("lost", "twice", "different", "false", "redone")))


def suffer(folder: Path, kills: int, searches: bool) -> dict[str, object]:
    """Start the installation, have it suffer so many kills, and stop it; returns ``Bench.report``."""
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    installation = Installation(folder)
    try:
        installation.begin()
        say(f"the services start; FAULT_SEED={SEED}")
        import django

        django.setup()
        # Models can be imported from here on.
        from tests.faults.bench.bench import Bench
        from tests.faults.bench.load import Load

        bench = Bench(installation, Load(folder), say)
        bench.undisturbed(searches)
        say("undisturbed work is done")
        for kill in draw(kills, chance("random kills"), searches):
            bench.suffer(kill)
        bench.finish()
        say("all work has ended")
        return bench.report()
    except BaseException:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}")
        raise
    finally:
        installation.end()


if __name__ == "__main__":
    sys.exit(main())
