from workers.text import storable


def test_what_postgres_refuses_is_replaced() -> None:
    given = {"a\x00": ["\ud800b", float("nan"), float("-inf"), 1.5, 2, True, None, ("c",)]}
    assert storable(given) == {"a\ufffd": ["\ufffdb", None, None, 1.5, 2, True, None, ["c"]]}
