"""The public's door over real HTTP: what it answers, what caches may keep, what it refuses, and how codes are looked up."""

import itertools
import random
from typing import Any

import httpx
import pytest

from gateway.public.buckets import NOBODY, Bucket, Buckets, LookupsExceeded, Rates, asking, networks
from gateway.setting import SettingInvalid
from supervision.query_code import LETTERS, check_letter, grouped
from tests.public.doors import PATH, Door, serving
from tests.public.world import CODES, World

PROGRESS = "query($code: String!) { progress(code: $code) { state tenant { code } department { name } item { name } appliedOn } }"


def codes_of(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


def test_places_and_guides_are_told(door: Door) -> None:
    query = """{ tenant(code: 620100) { name level parent { code } children { code } departments { code name }
        items(first: 2) { nodes { code name legalBasis promisedDays limitUnit department { name }
        materials { name form copies required } steps { name limitDays } fees { name amount } } hasNextPage } } }"""
    told = door.data(query)["tenant"]
    assert (told["name"], told["level"], told["parent"], told["children"]) == (
        "兰州市", "CITY", {"code": "620000"}, [{"code": "620102"}],
    )  # fmt: skip
    assert [one["code"] for one in told["departments"]] == ["GAJ", "JYJ", "SCJ"]
    item = told["items"]["nodes"][0]
    assert (item["promisedDays"], item["department"], told["items"]["hasNextPage"]) == (10, {"name": "公安局"}, True)
    assert item["materials"][1] == {"name": "营业执照", "form": "COPY", "copies": 2, "required": False}
    assert (item["steps"], item["fees"]) == ([{"name": "审核", "limitDays": 3}], [{"name": "工本费", "amount": 2000}])


def test_what_does_not_exist_is_null_and_no_error(door: Door) -> None:
    query = '{ tenant(code: 999999) { name } items(tenant: 999999) { nodes { code } } progress(code: "x") { state } }'
    assert door.data(query) == {"tenant": None, "items": {"nodes": []}, "progress": None}


def test_items_are_found_by_department_kind_and_name(door: Door) -> None:
    def found(arguments: str) -> list[str]:
        return [
            item["code"] for item in door.data(f"{{ items(tenant: 620100{arguments}) {{ nodes {{ code }} }} }}")["items"]["nodes"]
        ]

    assert found("") == ["XK-1", "XK-2", "XK-3"]
    assert found(', department: "JYJ"') == ["XK-2"]
    assert found(', name: "许可"') == ["XK-1", "XK-3"]
    assert found(", kind: PENALTY") == []


def walk(door: Door, query: str, of: str) -> list[dict[str, Any]]:
    found, after = [], None
    for _ in range(100):
        page = door.data(query, variables={"after": after})[of]
        found += page["nodes"]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            return found
    raise AssertionError("no end")


def test_a_walk_gives_every_row_once(door: Door, world: World) -> None:
    query = "query($after: String) { tenants(first: 2, after: $after) { nodes { code } endCursor hasNextPage } }"
    assert [node["code"] for node in walk(door, query, "tenants")] == list(CODES)
    query = """query($after: String) { statistics(periods: ["2026-09", "2026-10"], by: DEPARTMENT, first: 3, after: $after) {
        nodes { period tenant { code } department { code } applied suppressed } endCursor hasNextPage } }"""
    found = walk(door, query, "statistics")
    keys = [(node["period"], node["tenant"]["code"], node["department"]["code"]) for node in found]
    assert len(set(keys)) == len(keys) > 10
    assert any(node["suppressed"] and node["applied"] is None for node in found)


def test_statistics_say_what_is_withheld(door: Door) -> None:
    query = '{ statistics(periods: ["2026-09"], by: WHOLE) { nodes { level tenant { code } applied closed suppressed } } }'
    (whole,) = door.data(query)["statistics"]["nodes"]
    assert (whole["level"], whole["tenant"], whole["suppressed"]) == (None, None, None in (whole["applied"], whole["closed"]))
    query = '{ statistics(periods: ["2026-09"], by: TENANT, within: 620200) { nodes { tenant { code } applied suppressed } } }'
    assert door.data(query)["statistics"]["nodes"] == [{"tenant": {"code": "620200"}, "applied": 0, "suppressed": False}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ statistics(periods: [], by: WHOLE) { nodes { applied } } }', "PERIODS_INVALID"),
        ('{ statistics(periods: ["2026-13"], by: WHOLE) { nodes { applied } } }', "PERIODS_INVALID"),
        ("{ tenants(first: 101) { nodes { code } } }", "PUBLIC_PAGE_INVALID"),
        ('{ tenants(after: "x") { nodes { code } } }', "PUBLIC_CURSOR_INVALID"),
        ('{ tenants(after: "é") { nodes { code } } }', "PUBLIC_CURSOR_INVALID"),
        ('{ tenants(after: "WyIxIiwiMiJd") { nodes { code } } }', "PUBLIC_CURSOR_INVALID"),
        ("{ tenants { nodes { nothing } } }", "VALIDATION_FAILED"),
        ("mutation { tenants { nodes { code } } }", "VALIDATION_FAILED"),
        ("subscription { tenants { nodes { code } } }", "VALIDATION_FAILED"),
        ("{", "PARSE_FAILED"),
        ("{ tenants { nodes {" + "parent {" * 7 + "code" + "}" * 10, "DEPTH_EXCEEDED"),
        ("{ tenants { nodes {" + " ".join(f"a{n}: code" for n in range(21)) + "} } }", "ALIASES_EXCEEDED"),
        ("{ __typename " + "@skip(if: false) " * 6 + "}", "DIRECTIVES_EXCEEDED"),
        ("{ a: __typename b: __typename c: __typename d: __typename e: __typename f: __typename }", "ROOTS_EXCEEDED"),
        ("{ tenants { nodes {" + " code" * 500 + "} } }", "FIELDS_EXCEEDED"),
        ("{ tenants { nodes {" + " code" * 1000 + "} } }", "TOKENS_EXCEEDED"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_by_code(door: Door, query: str, code: str) -> None:
    answer = door.ask(query)
    assert codes_of(answer) == [code]
    assert answer.headers["cache-control"] == "no-store"
    newer = door.ask(query, headers={"accept": "application/graphql-response+json"})
    assert newer.status_code == (200 if "data" in newer.json() else 400)


def test_a_large_answer_is_refused(world: World) -> None:
    with serving(world.public(public_rows=6), world.store) as door:
        assert codes_of(door.ask("{ tenants { nodes { departments { code } } } }")) == ["PUBLIC_ROWS_EXCEEDED"]
        assert len(door.data("{ tenants { nodes { code } } }")["tenants"]["nodes"]) == 5


def test_bodies_are_bounded_and_json(door: Door) -> None:
    send = door.client.post
    assert send(PATH, content=b'{"query":"' + b" " * 20_000, headers={"content-type": "application/json"}).status_code == 413
    assert (
        send(PATH, content=b"query=%7B__typename%7D", headers={"content-type": "application/x-www-form-urlencoded"}).status_code
        == 415
    )
    assert send(PATH, json=[{"query": "{ __typename }"}]).status_code == 400
    assert door.client.get(PATH, params={"query": "{ __typename }" + " " * 20_000}).status_code == 414
    assert door.client.put(PATH).status_code == 405
    assert (
        door.client.get("/graphql").status_code
        == door.client.get("/metrics").status_code
        == door.client.get("/ingest/620100").status_code
        == 404
    )


def test_anyone_may_keep_an_answer_to_get_and_none_to_post(door: Door) -> None:
    query = "{ tenants { nodes { code } } }"
    first = door.get(query)
    assert first.headers["cache-control"] == "public, max-age=600"
    tag = first.headers["etag"]
    assert tag.startswith('"1-')
    again = door.get(query, if_none_match=f'"other", {tag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-length" not in again.headers
    assert door.ask(query).headers["cache-control"] == "no-store"
    assert door.ask(query).content == first.content


def test_a_tag_is_of_one_request_and_one_form_of_the_answer(door: Door) -> None:
    tags = [
        door.get("{ tenants { nodes { code } } }", **headers).headers["etag"]
        for headers in ({}, {"accept_language": "zh"}, {"accept": "application/graphql-response+json"})
    ]
    tags.append(door.get("{ tenants { nodes { name } } }").headers["etag"])
    assert len(set(tags)) == 4
    assert door.get("{ tenants { nodes { code } } }", if_none_match=tags[3]).status_code == 200


def test_a_head_is_a_get_without_its_body(door: Door) -> None:
    answer = door.client.head(PATH, params={"query": "{ __typename }"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_who_has_a_code_learns_how_the_case_stands(door: Door, world: World) -> None:
    code = world.code("620100", 3)
    for typed in (
        code,
        code.lower(),
        code.replace("-", ""),
        f"  {code.replace('-', ' ')} ",
        code.replace("0", "O").replace("1", "l"),
    ):
        answer = door.ask(PROGRESS, variables={"code": typed})
        assert answer.json()["data"]["progress"]["tenant"] == {"code": "620100"}
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def mistyped(code: str) -> str:
    at = next(n for n, letter in enumerate(code) if letter not in "-2")
    return f"{code[:at]}2{code[at + 1 :]}"


def test_no_code_and_an_unknown_code_are_answered_alike_and_as_long_as_a_known_one(door: Door, world: World) -> None:
    letters = "7" * 16
    unknown = grouped(letters + check_letter(letters))
    asked = [unknown, "", "x" * 5_000, "查询码", mistyped(world.code("620100", 3))]
    answers = [door.ask(PROGRESS, variables={"code": code}) for code in asked]
    varies = {"date", "x-request-id"}
    heads = {tuple(sorted((k, v) for k, v in answer.headers.items() if k not in varies)) for answer in answers}
    assert len({answer.content for answer in answers}) == len(heads) == 1
    known = door.ask(PROGRESS, variables={"code": world.code("620100", 3)})
    assert known.json()["data"]["progress"] is not None
    assert len(known.content) == len(answers[0].content) == 2_048
    over_get = door.client.get(PATH, params={"query": f'{{ progress(code: "{unknown}") {{ state }} }}'})
    assert (over_get.headers["cache-control"], "etag" in over_get.headers) == ("no-store", False)


def test_thousands_of_guesses_find_nothing(door: Door, world: World) -> None:
    """Random codes with a right check letter, and every code that differs from a real one in one or two letters."""
    guess, real = random.Random(1), world.code("620100", 3).replace("-", "")[:16]
    tried = ["".join(guess.choices(LETTERS, k=16)) for _ in range(1_000)]
    tried += [real[:n] + letter + real[n + 1 :] for n in range(16) for letter in LETTERS if letter != real[n]]
    tried += [
        real[:n] + a + b + real[n + 2 :] for n in range(15) for a, b in itertools.product(LETTERS[::4], repeat=2) if a != real[n]
    ]
    codes = [one + check_letter(one) for one in tried]
    fields = [f'p{n}: progress(code: "{code}") {{ state }}' for n, code in enumerate(codes)]
    assert len(fields) > 2_000
    for n in range(0, len(fields), 5):
        found = door.data("{" + " ".join(fields[n : n + 5]) + "}")
        assert set(found.values()) == {None}


def test_look_ups_are_counted_one_by_one_and_refused_with_the_time_to_wait(world: World) -> None:
    now = [100.0]
    config = world.public(progress_burst=3, progress_rate=0.1)
    with serving(config, world.store, lambda: now[0]) as door:
        three = "{" + " ".join(f'p{n}: progress(code: "x") {{ state }}' for n in range(3)) + "}"
        assert door.ask(three).status_code == 200
        refused = door.ask('{ progress(code: "x") { state } }')
        assert (refused.status_code, codes_of(refused), refused.headers["retry-after"]) == (429, ["LOOKUPS_EXCEEDED"], "10")
        assert door.ask("{ tenants { nodes { code } } }").status_code == 200, "only look-ups are refused"
        now[0] += 10
        assert door.ask('{ progress(code: "x") { state } }').status_code == 200
        assert door.ask(three).status_code == 429
        assert door.ask(three, headers={"x-forwarded-for": "10.9.9.9"}).status_code == 429, "who is no proxy is not believed"


def test_a_trusted_proxy_is_believed_about_who_asks(world: World) -> None:
    config = world.public(progress_burst=1, trusted_proxies=("127.0.0.0/8",))
    with serving(config, world.store, lambda: 5.0) as door:

        def status(forwarded: str) -> int:
            return door.ask('{ progress(code: "x") { state } }', headers={"x-forwarded-for": forwarded}).status_code

        assert [status("203.0.113.7"), status("203.0.113.7"), status("6.6.6.6, 203.0.113.7")] == [200, 429, 429]
        assert [status("203.0.113.8"), status("203.0.113.9, 127.0.0.2"), status("203.0.113.9")] == [200, 200, 429]


def test_all_addresses_together_are_bounded_too(world: World) -> None:
    config = world.public(progress_burst_all=4, progress_rate_all=2.0, trusted_proxies=("127.0.0.1",))
    with serving(config, world.store, lambda: 5.0) as door:
        asked = [door.ask('{ progress(code: "x") { state } }', headers={"x-forwarded-for": f"203.0.113.{n}"}) for n in range(6)]
        assert [answer.status_code for answer in asked] == [200] * 4 + [429] * 2


RATES = Rates(2, 1.0, 100, 100.0, 3)


def test_a_bucket_holds_no_more_than_its_burst_and_time_does_not_go_back() -> None:
    bucket = Bucket(1.0, 2, 2, 0.0)
    assert bucket.wait(1_000) == 0
    assert bucket.held == 2
    bucket.held = 0.25
    assert bucket.wait(900) == pytest.approx(0.75)


def test_a_refused_look_up_takes_nothing_from_the_others() -> None:
    buckets = Buckets(RATES)
    for _ in range(2):
        buckets.take("a", 10.0)
    for _ in range(50):
        with pytest.raises(LookupsExceeded):
            buckets.take("a", 10.0)
    assert buckets.everyone.held == 98
    buckets.take("b", 10.0)


def test_the_addresses_that_are_remembered_are_bounded() -> None:
    buckets = Buckets(RATES)
    for n in range(10):
        buckets.take(f"a{n}", 10.0)
    assert list(buckets.known) == ["a7", "a8", "a9"]


TRUSTED = networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "who"),
    [
        ("203.0.113.7", "1.1.1.1", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("10.0.0.1", "unknown", NOBODY),
        (None, "", NOBODY),
    ],
)
def test_who_asks_is_the_nearest_address_that_is_no_trusted_proxy(peer: str | None, forwarded: str, who: str) -> None:
    assert asking(peer, forwarded, TRUSTED) == who


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="TRUSTED_PROXIES"):
        networks(["proxy.example"])


def test_messages_are_chinese_where_asked_for(door: Door) -> None:
    answer = door.ask("{ tenants(first: 0) { nodes { code } } }", headers={"accept-language": "zh"})
    assert answer.headers["content-language"] == "zh"
    assert "不能" in answer.json()["errors"][0]["message"]


def test_the_log_tells_no_code(door: Door, world: World) -> None:
    code = world.code("620102", 5)
    door.ask(PROGRESS, variables={"code": code})
    door.ask(f'{{ progress(code: "{code}") {{ wrong }} }}')
    assert not any(code in str(line) for line in door.log.lines)
