import random
from pathlib import Path

from tests.engine.data.leakage.made import TEST_AT, checks, clean_rows, found, made, report

ROWS = clean_rows()
ITEMS = sorted({item for _, item, _ in ROWS})
USERS = sorted({user for user, _, _ in ROWS})
BEFORE = {user: item for user, item, time in ROWS if time == TEST_AT + 1}
TARGET = {user: item for user, item, time in ROWS if time == TEST_AT + 2}


def test_lists_of_items_that_hold_the_targets(tmp_path: Path) -> None:
    cells: dict[str, str] = {}
    for user in USERS:
        cells[BEFORE[user]] = f"{cells.get(BEFORE[user], '')} {TARGET[user]}, {USERS[0]}".strip().replace(USERS[0], ITEMS[0])
    finding = found(report(made(tmp_path / "v", columns={"also_bought": cells})), "item-ids-in-text")
    assert (finding.column, finding.severity) == ("also_bought", "serious")
    assert "For 60 of 60 users" in finding.text


def test_lists_of_items_that_say_little_of_the_test(tmp_path: Path) -> None:
    draw = random.Random(3)
    cells = {item: "|".join(draw.sample([other for other in ITEMS if other != item], 2)) for item in ITEMS}
    finding = found(report(made(tmp_path / "v", columns={"near": cells})), "item-ids-in-text")
    assert (finding.severity, finding.count, finding.of) == ("warning", 40, 40)


def test_telling_ids_inside_texts(tmp_path: Path) -> None:
    rows = [(user, f"B00{item[1:]}XY", time) for user, item, time in ROWS]
    items = sorted({item for _, item, _ in rows})
    cells = {item: f"Fits well with {items[index - 1]} and others." for index, item in enumerate(items)}
    told = report(made(tmp_path / "v", rows, columns={"note": cells}))
    assert found(told, "item-ids-in-text").count == 40


def test_lists_of_users_who_are_tested_on_the_item(tmp_path: Path) -> None:
    cells: dict[str, str] = {}
    for user, item in TARGET.items():
        cells[item] = f"{cells.get(item, '')} {user} {USERS[0]}".strip()
    finding = found(report(made(tmp_path / "v", columns={"buyers": cells})), "user-ids-in-text")
    assert (finding.column, finding.severity) == ("buyers", "serious")
    assert "For 60 of 60 users" in finding.text


def test_numbers_in_texts_are_no_ids(tmp_path: Path) -> None:
    rows = [(user, item[1:], time) for user, item, time in ROWS]
    items = sorted({item for _, item, _ in rows})
    draw = random.Random(4)
    columns = {
        "year": {item: draw.choice(items) for item in items},
        "note": {item: f"{draw.choice(items)} pieces, {draw.choice(items)} g" for item in items},
    }
    assert checks(report(made(tmp_path / "v", rows, columns=columns))) == []


def test_an_item_may_name_itself(tmp_path: Path) -> None:
    rows = [(user, f"B00{item[1:]}XY", time) for user, item, time in ROWS]
    cells = {item: f"{item} {item}" for _, item, _ in rows}
    assert checks(report(made(tmp_path / "v", rows, columns={"code": cells}))) == []
