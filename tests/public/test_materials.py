"""Materials of a power item: from the catalogue's file into the database and out of it."""

from pathlib import Path

import pytest

from supervision.catalogue_file import CatalogueRefused, read_catalogue
from tenants.catalogue_rows import write_catalogue
from tenants.read.request import Branch, Nested, Order, Read, Shape
from tests.province import opened

FILE = """
[[departments]]
code = "GAJ"
name = "公安局"

[[items]]
code = "XK-1"
name = "旅馆业特种行业许可"
kind = "PERMIT"
department = "GAJ"

[[items.materials]]
code = "APPLICATION"
name = "申请书"
form = "ORIGINAL"

[[items.materials]]
code = "{second}"
name = "营业执照"
copies = 2
required = false
note = "加盖公章"
"""


async def test_a_catalogue_brings_its_materials_and_a_later_one_replaces_them(tmp_path: Path) -> None:
    columns = ("code", "form", "copies", "required", "note")
    inner = Shape(columns, lambda rows: [dict(zip(columns, row[3:], strict=True)) for row in rows])
    nested = Branch("materials", Nested("item_materials", columns, "id", "item_id", "position", 9), True, inner)
    shape = Shape(("code",), lambda rows: [{"materials": row[2]} for row in rows], (nested,))
    read = Read("power_items", ("code",), (), Order("code"), 9, ("620000",))
    async with opened(tmp_path, codes=("620000",), cases=0) as province:
        for second in ("LICENCE", "PERMIT"):
            await write_catalogue(
                province.sources[province.homes["620000"]], "620000", read_catalogue(FILE.format(second=second).encode())
            )
            page = await province.engine.page(read, shape, province.asking())
            assert [tuple(row.values()) for node in page.nodes for row in node["materials"] if len(node["materials"]) > 1] == [
                ("APPLICATION", "ORIGINAL", 1, 1, None),
                (second, "COPY", 2, 0, "加盖公章"),
            ]


def test_a_material_that_stands_twice_is_refused() -> None:
    with pytest.raises(CatalogueRefused, match="materials has 'APPLICATION' twice"):
        read_catalogue(FILE.format(second="APPLICATION").encode())
