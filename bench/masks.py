"""A page of 50 cases with all of an applicant's data: seen whole, masked, and masked but for one department. The product alone.

Rights over one department of many make a page read each row's department beside: told under `notes`.
"""

from dataclasses import replace
from typing import Any

from authz.compile import compile_scope
from bench import questions, rows
from bench.lists import TENANT
from bench.ours import ROLE, SUBJECT, Product
from bench.places import Places
from bench.result import Result, at_most, compared
from bench.timing import interleaved, ratio
from supervision.grant import Grant
from supervision.scope import Scope

FIRST, BOUND = 50, 1.1
PAGE = (
    "query List($within: TenantCode!, $first: Int!) {"
    " cases(within: $within, where: {state: [ACCEPTED]}, orderBy: {field: DUE_AT}, first: $first) {"
    f" nodes {{ {' '.join(questions.FIELDS)} applicant {{ name idno phone address }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
TOP = f"{rows.FEW[0].code}/"
CITY = f"{TOP}{TENANT[:4]}00/{TENANT}/"
SEEN = {"whole": f"{TOP}*", "masked": None, "one department": f"{CITY}@D01/*"}
"""Where all of an applicant's data may be seen, beside the cases and the names."""


def rights(where: str | None) -> Scope:
    cases = Grant(subject=SUBJECT, role=ROLE, path=f"{TOP}*", id=1)
    return compile_scope(SUBJECT, [cases] + ([Grant(subject=SUBJECT, role="pii_reader", path=where, id=2)] if where else []), 1, 1)


async def measured(name: str, over: Any) -> Result:
    variables = {"within": TENANT, "first": FIRST}
    async with (
        over(rights(SEEN["whole"])) as whole,
        over(rights(SEEN["masked"])) as masked,
        over(rights(SEEN["one department"])) as partly,
    ):
        sides = {
            "whole": lambda: whole.prepared(PAGE, variables),
            "masked": lambda: masked.prepared(PAGE, variables),
            "partly": lambda: partly.prepared(PAGE, variables),
        }
        answers = {side: (await call()).decode() for side, call in sides.items()}
        told = {side: sum(answer.count(end) for end in ("****", '***"')) for side, answer in answers.items()}
        assert told["whole"] == 0 < told["partly"] <= told["masked"], told
        timings = await interleaved(sides)
    found = compared(name, timings, "masked", "whole", (at_most(timings, "masked", "whole", BOUND),))
    return replace(found, notes={"partly / whole": ratio(timings, "partly", "whole")})


async def postgres(places: Places, name: str) -> Result:
    return await measured(name, lambda held: Product.over_postgres(places.few, held=held))


async def sqlite(places: Places, name: str) -> Result:
    return await measured(name, lambda held: Product.over_sqlite(places.files, held))
