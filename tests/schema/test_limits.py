"""Limits of a document: each refused with its own code, short documents that stand for long ones too."""

import gc
import time
import tracemalloc

import pytest
from graphql import get_introspection_query, parse

from schema.documents import Documents, Parsed
from schema.errors import Dressed
from schema.limits import QueryLimits, TooManyRoots, check

SMALL = QueryLimits(
    query_tokens=200,
    query_depth=4,
    query_aliases=3,
    query_directives=2,
    query_roots=2,
    query_fields=20,
    document_cache_bytes=1_000_000,
)


def code(text: str, limits: QueryLimits = SMALL) -> str:
    found = Documents(limits).parsed(text)
    return "" if isinstance(found, Parsed) else found.codes[0]


DEEP_IN_FRAGMENTS = """{ viewer { ...A } } fragment A on Viewer { tenants { ...B } }
                       fragment B on Tenant { parent { parent { code } } }"""
ALIASES_IN_FRAGMENTS = """{ viewer { ...A } } fragment A on Viewer { a: subject ...B }
                          fragment B on Viewer { b: language c: language d: language }"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ viewer { subject } }", ""),
        ("{ viewer { tenants { parent { code } } } }", ""),
        ("{ viewer { tenants { parent { parent { code } } } } }", "DEPTH_EXCEEDED"),
        (DEEP_IN_FRAGMENTS, "DEPTH_EXCEEDED"),
        ("{ viewer { a: subject b: subject c: subject } }", ""),
        ("{ viewer { a: subject b: subject c: subject d: subject } }", "ALIASES_EXCEEDED"),
        (ALIASES_IN_FRAGMENTS, "ALIASES_EXCEEDED"),
        ("{ viewer { subject @skip(if: true) @include(if: true) } }", ""),
        ("{ viewer @skip(if: false) { subject @skip(if: true) @include(if: true) } }", "DIRECTIVES_EXCEEDED"),
        ("{ __typename viewer { subject } }", ""),
        ("{ __typename viewer { subject } summary(by: []) { asOf } }", "ROOTS_EXCEEDED"),
        ("{ ...A } fragment A on Query { __typename viewer { subject } summary(by: []) { asOf } }", "ROOTS_EXCEEDED"),
        ("{ viewer {" + " subject" * 19 + " } }", ""),
        ("{ viewer {" + " subject" * 20 + " } }", "FIELDS_EXCEEDED"),
        ("{ viewer {" + " subject" * 200 + " } }", "TOKENS_EXCEEDED"),
        ("#\n" * 201 + "{ __typename }", "TOKENS_EXCEEDED"),
        ("{", "PARSE_FAILED"),
        ("", "PARSE_FAILED"),
        ("{ viewer { nothing } }", "VALIDATION_FAILED"),
        ("type A { b: Int }", "VALIDATION_FAILED"),
    ],
)  # fmt: skip
def test_each_limit_has_its_code(text: str, expected: str) -> None:
    assert code(text) == expected


def test_what_every_tool_asks_of_the_schema_is_allowed() -> None:
    assert code(get_introspection_query(input_value_deprecation=True), QueryLimits()) == ""


CIRCLE = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
HIDDEN = """{ __type(name: "Case") { ...A } } fragment A on __Type { fields { type { ...B } } }
            fragment B on __Type { interfaces { possibleTypes { name } } }"""


@pytest.mark.parametrize("text", [CIRCLE, HIDDEN])
def test_introspection_in_circles_is_refused(text: str) -> None:
    assert code(text, QueryLimits()) == "INTROSPECTION_EXCEEDED"


def test_fragments_that_multiply_are_counted_as_often_as_they_are_spread() -> None:
    laughs = "".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }}\n" for n in range(30))
    text = f"{{ viewer {{ ...F0 }} }} {laughs} fragment F30 on Viewer {{ subject }}"
    began = time.process_time()
    assert code(text, QueryLimits()) == "FIELDS_EXCEEDED"
    assert time.process_time() - began < 2


def test_a_fragment_inside_itself_is_refused_and_not_followed() -> None:
    assert code("{ viewer { ...A } } fragment A on Viewer { subject ...A }") == "VALIDATION_FAILED"


def test_ten_thousand_aliases_and_ten_megabytes_are_refused_at_once() -> None:
    began = time.process_time()
    many = "{" + " ".join(f"a{n}: __typename" for n in range(10_000)) + "}"
    assert code(many, QueryLimits()) == "TOKENS_EXCEEDED"
    assert code(many, QueryLimits(query_tokens=10**6)) == "ALIASES_EXCEEDED"
    assert code("{ viewer { subject } } " + "#" * 10_000_000, QueryLimits()) == ""
    assert time.process_time() - began < 10


def test_the_cache_is_bounded_in_bytes() -> None:
    documents = Documents(SMALL)
    for n in range(200):
        documents.parsed(f"{{ a{n}: __typename }}")
        assert documents.bytes <= SMALL.document_cache_bytes
    assert documents.bytes > SMALL.document_cache_bytes / 2
    documents.parsed("{ __typename } #" + "x" * 2_000_000)
    assert documents.bytes <= SMALL.document_cache_bytes


def test_what_documents_take_is_not_underrated() -> None:
    """Dense ones too: a tree takes a hundred times as many bytes as its text."""
    limits = QueryLimits(query_tokens=10_000, query_fields=10_000)
    for text in (
        "{ viewer {" + " subject" * 4_000 + " } }",
        "{ viewer {" + " ... { subject }" * 900 + " } }",
        "{ viewer { subject } }",
    ):
        documents, size = Documents(limits), memory_of(text, limits)
        documents.parsed(text)
        assert size / 2 < documents.bytes < size * 3 + 16_384


def memory_of(text: str, limits: QueryLimits) -> int:
    documents = Documents(limits)
    gc.collect()
    tracemalloc.start()
    documents.parsed(text)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken


def test_the_least_used_document_goes_first() -> None:
    documents = Documents(SMALL)
    kept = documents.parsed("{ kept: __typename }")
    for n in range(200):
        documents.parsed(f"{{ a{n}: __typename }}")
        assert documents.parsed("{ kept: __typename }") is kept
    assert isinstance(kept, Parsed)


def test_a_refused_document_is_kept_too() -> None:
    documents = Documents(SMALL)
    first = documents.parsed("{ nothing }")
    assert isinstance(first, Dressed)
    assert documents.parsed("{ nothing }") is first


def test_no_more_than_ten_faults_of_a_document_are_told() -> None:
    found = Documents(QueryLimits(query_roots=100)).parsed("{ " + " ".join(f"n{n}" for n in range(90)) + " }")
    assert isinstance(found, Dressed)
    assert len(found.told) <= 11


def test_what_stands_in_a_fragment_is_no_root_unless_it_is_spread_there() -> None:
    limits = QueryLimits(query_roots=2)
    check(parse("{ tenants { nodes { ...F } } } fragment F on Tenant { code name level }"), limits)
    with pytest.raises(TooManyRoots):
        check(parse("{ ...F } fragment F on Query { a: viewer { subject } b: viewer { subject } c: viewer { subject } }"), limits)


def test_the_introspection_that_every_tool_sends_passes_a_shallow_limit() -> None:
    check(parse(get_introspection_query()), QueryLimits(query_depth=2, query_roots=5))
