"""The soak of a sharded replay: what it writes down, that it goes on, and what counts as growth."""

import json

from amper_lab.bench import soak


def test_it_goes_on_where_it_was(tmp_path, capsys):
    file = tmp_path / "soak.jsonl"
    arguments = ["--every", "0.2", "-o", str(file)]
    soak.main(["--minutes", "0.01", *arguments])
    (first,) = soak.runs(file)
    assert first[-1]["seconds"] >= 0.6
    assert first[-1]["drawn"] >= soak.BATCH
    assert first[-1]["added"] > 0
    assert set(first[-1]["bytes"]) == {"learner", "writer", "shard 0", "shard 1"}
    with file.open("a") as out:
        out.write('{"run": 1, "seco')  # killed
    soak.main(["--minutes", "0.01", *arguments])  # enough was done already
    assert soak.runs(file) == [first]
    assert capsys.readouterr().out.count("\n| 0.0 |") == 2


def test_growth_is_found(tmp_path, capsys):
    file = tmp_path / "soak.jsonl"
    memory = {"learner": [100, 104, 104, 104], "shard 0": [100, 100, 103, 106]}
    for second in range(4):
        line = {"run": 7, "seconds": 60 * (second + 1), "drawn": 1, "added": 1, "dropped": 0}
        line["bytes"] = {name: values[second] << 20 for name, values in memory.items()}
        with file.open("a") as out:
            print(json.dumps(line), file=out)
    assert soak.growth(soak.runs(file)[0]) == {"learner": 1.04, "shard 0": 1.06}
    assert soak.main(["--minutes", "4", "-o", str(file)]) == 1
    assert "| 104.0, 1.040 | 106.0, 1.060 |" in capsys.readouterr().out
