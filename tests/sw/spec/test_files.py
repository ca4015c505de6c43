"""Configurations to and from dictionaries and TOML files."""

import dataclasses
import re

import pytest
from messages import exactly

from amper import AMPER_VARIANTS, AmperConfig
from amper_spec.declare import declarations
from amper_spec.rules import Integer

NAMES = ", ".join(declarations(AmperConfig))


INTEGERS = [name for name, each in declarations(AmperConfig).items() if isinstance(each.rule, Integer)]

ODD = AmperConfig(
    rows=257,
    priority_width=5,
    groups=3,
    batch=7,
    variant="k",
    radius_scale=0.1 + 0.2,
    neighbour_scale=1e-7,
    seed=2**64 - 1,
    priority_scale=1e300,
    bank_rows=2,
    fan_out=2,
    variants=("k", "fr"),
    search_ports=8,
    draw_ports=4,
    write_ports=2,
    pipeline="shallow",
    result_priority=False,
    bus="wishbone",
    packed_registers=False,
    storage="latches",
    primitives="blocks",
    name="replay_0",
)


@pytest.mark.parametrize("config", [ODD, AmperConfig(rows=1)], ids=["odd", "defaults"])
def test_dictionary_round_trip(config):
    assert AmperConfig.from_dict(config.to_dict()) == config
    assert list(config.to_dict()) == NAMES.split(", ")


def test_from_dict_fills_in_defaults():
    assert AmperConfig.from_dict({"rows": 5}) == AmperConfig(rows=5)


@pytest.mark.parametrize("name", ["row", "Rows", "", "row_width", "to_dict"])
def test_from_dict_unknown_name(name):
    message = f"{name!r} is not a parameter; the parameters are {NAMES}"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig.from_dict({"rows": 1, name: 1})


@pytest.mark.parametrize("values", [{}, {"groups": 3}])
def test_from_dict_without_rows(values):
    with pytest.raises(ValueError, match=exactly("rows must be given: it has no default")):
        AmperConfig.from_dict(values)


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("config", [ODD, AmperConfig(rows=1 << 20)], ids=["odd", "defaults"])
def test_file_round_trip(tmp_path, config, variant):
    config = dataclasses.replace(config, variant=variant, variants=(variant, *config.variants))
    path = tmp_path / "config.toml"
    config.save(path)
    assert AmperConfig.load(path) == config
    assert AmperConfig.load(str(path)) == config
    assert len(path.read_text().splitlines()) == len(NAMES.split(", "))


def test_file_by_hand(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('# two banks\nrows = 0x80\nvariant = "fr"\nradius_scale = 1\n')
    assert AmperConfig.load(path) == AmperConfig(rows=128, variant="fr", radius_scale=1.0)


def test_saved_text(tmp_path):
    AmperConfig(rows=8).save(tmp_path / "config.toml")
    assert (tmp_path / "config.toml").read_text() == (
        "rows = 8\npriority_width = 16\ngroups = 20\nbatch = 64\n"
        'variant = "exact"\ndraws = "independent"\norganisation = "parallel"\nbanks = 1\n'
        "radius_scale = 0.15\nneighbour_scale = 0.3\n"
        "seed = 0\npriority_scale = 256.0\nbank_rows = 64\nfan_out = 2\n"
        'variants = ["exact"]\nsearch_ports = 1\ndraw_ports = 1\nwrite_ports = 1\npipeline = "deep"\n'
        'result_priority = true\nbus = "native"\npacked_registers = false\nstorage = "flip-flops"\n'
        'primitives = "gates"\nprotection = "none"\nmemories = "inferred"\nname = "amper"\n'
    )


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("rows = 1\nrow = 2\n", ValueError, f"'row' is not a parameter; the parameters are {NAMES}"),
        ("", ValueError, "rows must be given: it has no default"),
        ("rows = 0\n", ValueError, "rows must be 1 to 1048576, not 0"),
        ('rows = "1"\n', TypeError, "rows must be an integer, not '1'"),
        ("rows = true\n", TypeError, "rows must be an integer, not True"),
        ("rows = 1.0\n", TypeError, "rows must be an integer, not 1.0"),
        ("rows = 1\nradius_scale = nan\n", ValueError, "radius_scale must be finite, not nan"),
        (
            'rows = 1\nvariant = "x"\n',
            ValueError,
            "variant must be one of fr-dithered, fr-prefix, fr, k, exact, not 'x'",
        ),
        ('rows = 1\nvariants = "fr"\n', TypeError, "variants must be a list of variants, not 'fr'"),
        ("rows = 1\nresult_priority = 1\n", TypeError, "result_priority must be True or False, not 1"),
        ("[rows]\n", TypeError, "rows must be an integer, not {}"),
    ],
)
def test_illegal_value_in_a_file(tmp_path, text, kind, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(kind, match=exactly(f"{path}: {message}")) as caught:
        AmperConfig.load(path)
    assert type(caught.value) is kind


@pytest.mark.parametrize("raw", [b"rows\n", b"rows = \n", b"rows = 1\nrows = 2\n", b"rows = 1 # \xff\n", b"\x00"])
def test_not_a_toml_file(tmp_path, raw):
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"\A{re.escape(f'{path}: not a TOML file: ')}.+") as caught:
        AmperConfig.load(path)
    assert type(caught.value) is ValueError


def test_missing_file(tmp_path):
    path = tmp_path / "none.toml"
    with pytest.raises(FileNotFoundError) as caught:
        AmperConfig.load(path)
    assert str(path) in str(caught.value)


def test_read_does_not_check(tmp_path):
    """What a file names, also when it is no legal configuration: a command line fills in the rest."""
    path = tmp_path / "config.toml"
    path.write_text('groups = 0\nnonsense = "x"\n')
    assert AmperConfig.read(path) == {"groups": 0, "nonsense": "x"}
    assert AmperConfig.read(str(path)) == {"groups": 0, "nonsense": "x"}
    path.write_text("groups\n")
    with pytest.raises(ValueError, match=rf"\A{re.escape(f'{path}: not a TOML file: ')}.+"):
        AmperConfig.read(path)
    with pytest.raises(FileNotFoundError):
        AmperConfig.read(tmp_path / "none.toml")
