from pathlib import Path

from tests.engine.data.leakage.made import TEST_AT, checks, clean_rows, found, held_out, made, report


def test_items_that_only_the_test_has(tmp_path: Path) -> None:
    rows = [(user, "new" if time == TEST_AT + 2 and user < "u3" else item, time) for user, item, time in clean_rows()]
    finding = found(report(made(tmp_path / "v", rows)), "unseen-items")
    count = len({user for user, _, _ in rows if user < "u3"})
    assert (finding.count, finding.of, finding.examples) == (count, 60, ["new"])
    assert finding.severity == "warning"


def test_users_without_training_rows(tmp_path: Path) -> None:
    version = made(tmp_path / "v")
    told = report(version, held_out(version, 6))
    finding = found(told, "unseen-users")
    assert (finding.count, finding.of, finding.severity) == (6, 6, "info")
    assert finding.examples == version.users[:6]
    assert (told.split, told.users) == ("user-ratio", 6)


def test_the_same_interaction_on_both_sides(tmp_path: Path) -> None:
    rows = clean_rows()
    # Three users with one interaction three times, as with three ratings: it is trained on, validated and tested.
    users = sorted({user for user, _, _ in rows})[:3]
    rows = [row for row in rows if row[0] not in users or row[2] < TEST_AT]
    rows += [(user, "again", TEST_AT + number) for user in users for number in range(3)]
    version = made(tmp_path / "v", rows)
    version.timestamp[version.timestamp >= TEST_AT] = TEST_AT
    finding = found(report(version), "same-interaction")
    assert (finding.count, finding.severity, finding.examples) == (3, "serious", users)


def test_the_same_pair_at_another_time(tmp_path: Path) -> None:
    rows = clean_rows()
    first = {user: item for user, item, _ in reversed(rows)}
    repeated = sorted(first)[:4]
    rows = [(u, first[u] if u in repeated and t == TEST_AT + 2 else i, t) for u, i, t in rows]
    told = report(made(tmp_path / "v", rows))
    finding = found(told, "same-pair")
    assert (finding.count, finding.of, finding.severity) == (4, 120, "warning")
    assert finding.examples == repeated
    assert "same-interaction" not in checks(told)


def test_repeats_are_no_warning_where_people_repeat(tmp_path: Path) -> None:
    rows = [(user, f"i{int(item[1:]) % 4}", time) for user, item, time in clean_rows()]
    assert found(report(made(tmp_path / "v", rows)), "same-pair").severity == "info"


def test_a_core_that_counted_the_test(tmp_path: Path) -> None:
    rows = [(user, item, time) for user, item, time in clean_rows() if time < TEST_AT]
    users = sorted({user for user, _, _ in rows})
    rows += [(user, "late" if index < 5 else "other", TEST_AT + 2) for index, user in enumerate(users)]
    rows += [(user, "other" if index < 5 else "late-too", TEST_AT + 1) for index, user in enumerate(users)]
    told = report(made(tmp_path / "v", rows, core=5))
    finding = found(told, "popularity-over-test")
    assert (finding.count, finding.severity, finding.examples) == (3, "info", ["late", "late-too", "other"])
    assert "popularity-over-test" not in checks(report(made(tmp_path / "w", rows)))
