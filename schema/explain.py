"""The plan of a query for a given person, as text: what each of its data fields asks of which source. Reads nothing.

Fields that hang on rows (a case's tenant) are left out: which tenants they ask is known when the rows are.
"""

from collections.abc import Iterator

from schema.context import Context
from schema.documents import Documents
from schema.errors import Dressed
from schema.execute import GraphQLRequest, Ready, examine
from schema.run import Run
from supervision.faults import Refusal


class NotExplained(Refusal):
    """The query cannot be explained."""

    code = "NOT_EXPLAINED"


def explain(request: GraphQLRequest, context: Context, documents: Documents) -> str:
    """One paragraph for each root field. Raises Refusals as the query itself would give them."""
    ready = examine(request, documents)
    if isinstance(ready, Dressed):
        raise NotExplained("; ".join(str(error["message"]) for error in ready.errors("en")))
    return "\n".join(paragraphs(ready, context))


def paragraphs(ready: Ready, context: Context) -> Iterator[str]:
    run = Run(context, ready.operation.batching)
    for root in ready.operation.roots(ready.values):
        if root.definition is None or root.name.startswith("__"):
            yield f"{root.key}: answered without asking a tenant"
            continue
        field, at = ready.operation.field(root, ready.values, ready.parsed.compiled)
        plans = [str(context.engine.plan(read, context.asking)) for read in field.reads(run, at)]
        yield "\n".join([f"{root.key}:", *(f"  {line}" for plan in plans for line in plan.splitlines())])
