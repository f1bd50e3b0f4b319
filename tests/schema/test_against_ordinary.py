"""Whatever is asked, the answer is the one an ordinary executor gives over the same rows, byte by byte; prepared or not."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings

from schema.documents import Parsed
from tests.schema.conftest import Province
from tests.schema.ordinary import Ordinary
from tests.schema.queries import queries

RANDOMLY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def as_ordinary(province: Province, text: str, variables: dict[str, Any]) -> bytes:
    return orjson.dumps({"data": Ordinary(province.world).answer(text, variables)}, option=orjson.OPT_UTC_Z)


@RANDOMLY
@given(query=queries())
async def test_every_query_is_answered_as_an_ordinary_executor_would(province: Province, query: tuple[str, dict[str, Any]]) -> None:
    text, variables = query
    assert isinstance(province.documents.parsed(text), Parsed)
    answer = await province.answer(text, variables)
    assert answer.body == as_ordinary(province, text, variables)
    through_executor = await province.answer(text, variables, prepared=False)
    assert through_executor == answer
