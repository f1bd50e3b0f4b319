"""GraphQL over HTTP, without a server: media types, and what is a request."""

import pytest

from gateway.faults import BodyInvalid, MediaTypeUnsupported, NotAcceptable, RequestInvalid
from gateway.graphql import LEGACY_JSON, RESPONSE_JSON, Asked, check_content_type, from_address, from_body, media_type


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, LEGACY_JSON),
        (b"*/*", LEGACY_JSON),
        (b"application/*", LEGACY_JSON),
        (b"application/json", LEGACY_JSON),
        (b"application/graphql-response+json", RESPONSE_JSON),
        (b"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", RESPONSE_JSON),
        (b"application/json, application/graphql-response+json", LEGACY_JSON),
        (b"application/json;q=0.5, application/graphql-response+json;q=0.9", RESPONSE_JSON),
        (b"application/graphql-response+json;q=0.5, */*", LEGACY_JSON),
        (b"application/json;q=0, */*", RESPONSE_JSON),
        (b"text/html, application/xhtml+xml, */*;q=0.8", LEGACY_JSON),
        (b"APPLICATION/JSON", LEGACY_JSON),
        (b'application/json; charset="UTF-8"', LEGACY_JSON),
        (b"application/json; charset=utf-16, application/graphql-response+json;q=0.1", RESPONSE_JSON),
        (b"application/json; q=much, */*;q=0.1", RESPONSE_JSON),
        (b"text/html," * 200 + b"application/json", LEGACY_JSON),
    ],
)
def test_the_media_type_is_the_best_that_the_client_takes(accept: bytes | None, answered: str) -> None:
    assert media_type(accept) == answered


@pytest.mark.parametrize(
    "accept", [b"", b"text/html", b"application/json;q=0", b"text/*", b"application/json; charset=gb18030", b"\xff\xfe"]
)
def test_what_we_cannot_write_is_not_acceptable(accept: bytes) -> None:
    with pytest.raises(NotAcceptable):
        media_type(accept)


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"Application/JSON; Charset=UTF-8", b'application/json;charset="utf-8"; x=1']
)
def test_json_in_utf_8_is_taken(content_type: bytes) -> None:
    check_content_type(content_type, None)
    check_content_type(content_type, b"identity")


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        (None, None),
        (b"", None),
        (b"text/plain", None),
        (b"application/graphql", None),
        (b"application/x-www-form-urlencoded", None),
        (b"multipart/form-data; boundary=x", None),
        (b"application/json; charset=gb18030", None),
        (b"application/json", b"gzip"),
    ],
)
def test_any_other_content_is_not_supported(content_type: bytes | None, encoding: bytes | None) -> None:
    with pytest.raises(MediaTypeUnsupported):
        check_content_type(content_type, encoding)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (b'{"query":"{a}"}', Asked("{a}", None, None)),
        (b'{"query":"{a}","operationName":"","variables":null,"extensions":null}', Asked("{a}", None, None)),
        (b'{"query":"{a}","operationName":"X","variables":{"a":[1]},"extensions":{"b":1},"more":2}', Asked("{a}", "X", {"a": [1]})),
        ('{"query":"{a(b:\\"兰州\\")}"}'.encode(), Asked('{a(b:"兰州")}', None, None)),
    ],
)
def test_a_request_in_a_body(body: bytes, asked: Asked) -> None:
    assert from_body(body) == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{\x00}\x00",
        b'{"query":"\xff"}',
        b'{"query":NaN}',
        b'{"query":"\\ud800"}',
        b"\xef\xbb\xbf{}x",
        b"[" * 100_000,
    ],
)
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(BodyInvalid):
        from_body(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b'"{a}"',
        b'[{"query":"{a}"}]',
        b'{"query":null}',
        b'{"query":""}',
        b'{"query":{}}',
        b'{"query":0}',
        b'{"query":["{a}"]}',
        b'{"qeury":"{a}"}',
        b'{"query":"{a}","operationName":1}',
        b'{"query":"{a}","variables":"{}"}',
        b'{"query":"{a}","variables":[]}',
        b'{"query":"{a}","variables":0}',
        b'{"query":"{a}","variables":false}',
        b'{"query":"{a}","extensions":"x"}',
        b'{"query":"{a}","extensions":[1]}',
    ],
)
def test_what_is_json_and_no_request(body: bytes) -> None:
    with pytest.raises(RequestInvalid):
        from_body(body)


def test_a_request_in_an_address() -> None:
    told = b"query=query+X%28%24a%3AInt%29%7Ba%7D&operationName=X&variables=%7B%22a%22%3A1%7D&extensions="
    assert from_address(told) == Asked("query X($a:Int){a}", "X", {"a": 1})
    assert from_address(b"query={a(b:%22%E5%85%B0%22)}&variables=") == Asked('{a(b:"兰")}', None, None)
    assert from_address(b"query={a}&operationName=null").operation == "null"


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"query=",
        b"variables=%7B%7D",
        b"query={a}&variables=x",
        b"query={a}&variables=[]",
        b"query={a}&variables=1",
        b"query=%FF",
        b"query=\xff",
        b"query={a}&query={b}",
        b"query={a}&extensions=1",
        b"&".join([b"a=1"] * 50),
    ],
)
def test_an_address_that_is_no_request(told: bytes) -> None:
    with pytest.raises(RequestInvalid):
        from_address(told)
