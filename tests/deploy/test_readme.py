"""README's table of settings is complete, and its commands exist."""

import re

from deploy.local.home import ROOT

_READ = re.compile(r'(?:env|envbool|envint|environ\.get|environ\.setdefault)\(\s*"([A-Z][A-Z_]+)"|environ\["([A-Z][A-Z_]+)"\]')
_NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH", "HF_HUB_OFFLINE", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"}


def _read_by_the_code() -> set[str]:
    found: set[str] = set()
    for folder in ("engine", "workers", "webapp", "deploy"):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(name for pair in _READ.findall(path.read_text(encoding="utf-8")) for name in pair if name)
    return {name.removesuffix("_FILE") for name in found if not name.startswith("PYTEST")} - _NOT_SETTINGS


def test_every_setting_is_in_the_table() -> None:
    listed = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(_read_by_the_code()) > 10
    assert _read_by_the_code() - listed == set()


def test_every_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name} names make {target}"
