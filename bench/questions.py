"""The questions that are measured, once for all ways of answering them: nine fields of a page of cases, and a summary.

Knows no database.
"""

from bench.rows import BASE

NOW = BASE
"""The moment that lights are told for, where it can be chosen."""

STATE = "ACCEPTED"
FIELDS = ("no", "title", "state", "light", "kind", "channel", "acceptedAt", "dueAt", "charged")

LIST = (
    "query List($within: TenantCode!, $first: Int!, $after: String) {"
    " cases(within: $within, below: %s, where: {state: [ACCEPTED]}, orderBy: {field: DUE_AT}, first: $first, after: $after) {"
    f" nodes {{ {' '.join(FIELDS)} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
ONE = LIST % "false"
"""A page of one tenant's cases."""
BELOW = LIST % "true"
"""A page over a tenant and all below it."""

SUMMARY = (
    "query Summary($within: TenantCode!) { summary(within: $within, by: [DEPARTMENT, STATE, LIGHT])"
    " { groups { department state light count } } }"
)
"""The cases of a tenant and all below it, counted by three dimensions."""
