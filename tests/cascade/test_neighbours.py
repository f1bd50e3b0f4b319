"""The file of gateways, taken whole or refused, as a table; which gateway is below for whom, and which may ask for what."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authz.hop_token import public_text
from gateway.cascade.neighbours import GatewaysInvalid, Neighbours, neighbours, read_gateways
from gateway.video.cameras import sentence
from media.states import State, Told
from supervision.tree import Tree
from supervision.words import words
from tests.door.small import TREE, configured
from tests.door.test_commands import mingjing

KEY = public_text(Ed25519PrivateKey.generate())
GOOD = f"""
[below.lanzhou]
url = "https://lanzhou.example/"
key = "{KEY}"
tenants = ["620100"]

[below.chengguan]
url = "http://127.0.0.1:8124"
key = "{KEY}"
tenants = ["620102"]

[above.nation]
key = "{KEY}"
within = ["620100", "620200"]
"""
BAD = {
    "no TOML": ("[", "Invalid"),
    "another table": ("[beside.x]\na = 1", "beside"),
    "no table": ("below = 1", "below is no table"),
    "a name with blanks": (GOOD.replace("[below.lanzhou]", '[below."lan zhou"]'), "a gateway's name"),
    "something more": (GOOD.replace("[above.nation]", "[above.nation]\nmore = 1"), "and nothing else"),
    "without a key": (GOOD.replace(f'key = "{KEY}"\nwithin', "within"), "and nothing else"),
    "a key that is none": (GOOD.replace(KEY, "x" * 44), "key is none"),
    "no list": (GOOD.replace('["620102"]', '"620102"'), "no list of division codes"),
    "an empty list": (GOOD.replace('["620102"]', "[]"), "no list of division codes"),
    "no code": (GOOD.replace('["620102"]', '["6201"]'), "no list of division codes"),
    "twice": (GOOD.replace('["620102"]', '["620100"]'), "by both"),
    "readable on the way": (GOOD.replace("https://lanzhou.example/", "http://10.1.2.3/"), "use https"),
    "no URL": (GOOD.replace("https://lanzhou.example/", "lanzhou"), "no https URL"),
    "with a password": (GOOD.replace("https://lanzhou", "https://a:b@lanzhou"), "no https URL"),
    "a port that is none": (GOOD.replace("example/", "example:99999/"), "no URL"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_right_is_refused_whole(tmp_path: Path, case: str) -> None:
    text, told = BAD[case]
    (tmp_path / "gateways.toml").write_text(text)
    with pytest.raises(GatewaysInvalid, match=told):
        read_gateways(tmp_path / "gateways.toml")


def found(folder: Path, name: str = "gansu", text: str = GOOD) -> Neighbours | None:
    (folder / "gateways.toml").write_text(text)
    return neighbours(configured(folder, gateway_name=name, gateways_file=str(folder / "gateways.toml")))


def test_the_nearest_gateway_up_the_tree_has_a_tenants_cameras(tmp_path: Path) -> None:
    beside = found(tmp_path)
    assert beside is not None
    tree = Tree(TREE)
    below = {code: None if (one := beside.below_of(code, tree)) is None else one.name for code in (*tree.paths, "999999")}
    assert below == {
        "620000": None, "620100": "lanzhou", "620102": "chengguan", "620200": None, "620300": None, "999999": None,
    }  # fmt: skip
    assert beside.below["lanzhou"].url == "https://lanzhou.example"
    asked = {code: beside.may_ask("nation", code, tree) for code in (*tree.paths, "999999")}
    assert asked == {"620000": False, "620100": True, "620102": True, "620200": True, "620300": False, "999999": False}
    assert not beside.may_ask("lanzhou", "620102", tree)


def test_no_file_is_no_cascade(tmp_path: Path) -> None:
    assert neighbours(configured(tmp_path)) is None


@pytest.mark.parametrize("name", ["lanzhou", "甘肃", "", "a b"])
def test_a_gateway_has_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    with pytest.raises(GatewaysInvalid):
        found(tmp_path, name)


def test_the_command_line_tells_the_key_and_the_neighbours(tmp_path: Path) -> None:
    (tmp_path / "gateways.toml").write_text(GOOD)
    told = mingjing("gateways", "key", MINGJING_DATA=str(tmp_path), MINGJING_GATEWAY_NAME="gansu")
    assert told.stdout.startswith('# gansu\nkey = "')
    file = str(tmp_path / "gateways.toml")
    told = mingjing("gateways", "check", MINGJING_DATA=str(tmp_path), MINGJING_GATEWAY_NAME="gansu", MINGJING_GATEWAYS_FILE=file)
    assert told.stdout.splitlines() == [
        "below\tlanzhou\thttps://lanzhou.example\t620100",
        "below\tchengguan\thttp://127.0.0.1:8124\t620102",
        "above\tnation\t-\t620100 620200",
    ]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("lanzhou: chengguan: The camera refused the connection.", "lanzhou: chengguan: "),
        ("The camera refused the connection.", ""),
    ],
)
def test_a_reason_in_chinese_names_the_gateways_too(reason: str, said: str) -> None:
    told = Told(State.LOST, "CAMERA_REFUSED", reason)
    assert sentence(told, "zh") == said + words("zh").codes["CAMERA_REFUSED"]
    assert sentence(told, "en") == reason
