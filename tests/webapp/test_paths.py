from django.urls import reverse

from webapp import paths


def test_they_are_the_addresses_that_are_served() -> None:
    assert paths.run(7) == reverse("run", args=[7])
    assert paths.group(7) == reverse("group", args=[7])
    assert paths.search(7) == reverse("search", args=[7])
    assert paths.version(3, 7) == reverse("version", args=[3, 7])
    assert paths.profile() == reverse("profile")
    assert paths.comparison([1, 2]) == f"{reverse('compare')}?runs=1,2"
    assert paths.comparison(range(50)).count(",") == 19
