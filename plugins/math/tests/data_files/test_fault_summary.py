from treewright_math.data_files.fault_summary import fault_summary


def test_the_same_fault_of_many_rows_is_said_once_where_it_first_occurs():
    faults = [
        "a: b.json: line 3: no text",
        "a: b.json: line 5: no number",
        *(f"a: b.json: line {n}: no text" for n in (6, 7)),
    ]
    assert fault_summary(faults) == "a: b.json: line 3: no text\n    so in 2 rows more\na: b.json: line 5: no number"


def test_of_many_kinds_of_faults_the_first_ten_are_said_and_the_others_counted():
    lines = fault_summary([f"f: record {n}: fault {min(n, 12)}" for n in range(1, 15)]).splitlines()
    assert lines[:2] == ["f: record 1: fault 1", "f: record 2: fault 2"]
    assert lines[10:] == ["and 4 rows more with other faults"]


def test_a_fault_without_a_place_is_a_kind_of_its_own():
    assert fault_summary(["nothing fits", "nothing fits"]) == "nothing fits\n    so in 1 row more"
