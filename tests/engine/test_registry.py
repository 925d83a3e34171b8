import pytest

from engine.errors import UserError
from engine.registry import Registry


def test_names_are_unique_and_well_formed() -> None:
    registry: Registry[int] = Registry("metric")
    registry.register("hr", 1)
    with pytest.raises(ValueError, match="registered already"):
        registry.register("hr", 2)
    for bad in ("", "HR", "a b", "-a", "a--b"):
        with pytest.raises(ValueError, match="no metric name"):
            registry.register(bad, 1)
    assert registry.names() == ["hr"]
    assert "hr" in registry
    assert list(registry) == [1]


def test_an_unknown_name_gets_a_list_and_a_guess() -> None:
    registry: Registry[int] = Registry("preset")
    registry.register("sasrec", 1)
    with pytest.raises(UserError) as caught:
        registry.get("sasrek")
    assert caught.value.message == "There is no preset 'sasrek'."
    assert caught.value.hint == "Did you mean 'sasrec'? Choose one of: sasrec."
