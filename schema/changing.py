"""Whether a request would change anything, for a door that only reads. Looks at the document's syntax alone."""

from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse


def changes(text: str, operation: str | None, tokens: int) -> bool:
    """Whether the operation that is meant is none that only reads; False where none can be made out: it will not be executed."""
    if "mutation" not in text and "subscription" not in text:
        return False
    try:
        definitions = parse(text, no_location=True, max_lexical_tokens=tokens).definitions
    except GraphQLSyntaxError:
        return False
    operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
    meant = [d for d in operations if operation is None or (d.name is not None and d.name.value == operation)]
    return len(meant) == 1 and meant[0].operation is not OperationType.QUERY
