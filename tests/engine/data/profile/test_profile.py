from pathlib import Path

from engine.data.profile import Profile, profile_version
from tests.engine.data.profile.made import made


def test_a_profile_names_its_version_and_comes_back_from_json(tmp_path: Path) -> None:
    version = made([("a", "x", 5), ("a", "y", 9), ("b", "x", 7)], tmp_path / "version")
    profile = profile_version(version)
    assert (profile.version, profile.counts, profile.time) == (version.hash, version.counts, "real")
    assert profile.statistics == version.manifest.statistics
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_a_profile_stays_small(tmp_path: Path) -> None:
    rows = [(f"u{number % 500}", f"i{number * number % 3000}", number * 10_000) for number in range(20_000)]
    profile = profile_version(made(rows, tmp_path / "version"))
    assert len(profile.model_dump_json()) < 30_000
