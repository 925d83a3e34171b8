from pathlib import Path

from django.contrib.staticfiles import finders


def test_plotly_is_found_where_its_package_keeps_it() -> None:
    found = finders.find("vendor/plotly.min.js")
    assert found is not None
    assert Path(str(found)).stat().st_size > 1_000_000
    assert finders.find("vendor/other.js") is None


def test_collectstatic_would_copy_just_that_file() -> None:
    finder = finders.get_finder("webapp.staticfinder.PackageFilesFinder")
    assert [(storage.prefix, name) for name, storage in finder.list([])] == [("vendor", "plotly.min.js")]
