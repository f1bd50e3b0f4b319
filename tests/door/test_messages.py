"""What people read is Chinese by default and English on request, from catalogues that hold every code and nothing else."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.language import chosen
from gateway.pages import BY_GRAPHQL, faults
from supervision.faults import Failure, TenantBroken, TenantNotFound
from supervision.words import LANGUAGES, Words, message, told, words
from tenants.receipts import Arrival, Receipt, failed, refused
from tests.door.conftest import made
from tests.door.running import Running, running
from tests.door.small import configured
from tests.door.test_commands import mingjing

FIXED = re.compile(r"`[^`]+`|MINGJING_\w+|\d{4}-\d\d-\d\d\S{15}|application/[\w.+-]+json|\.[a-z]{2,6}\b")
"""What stands in a sentence as it is, in every language."""
HAN = re.compile(r"[\u4e00-\u9fff]")


def out_of_step(codes: set[str], catalogue: Words) -> set[str]:
    """Codes without a sentence, and sentences without a code."""
    return codes ^ set(catalogue.codes)


def not_chinese(sentence: str) -> bool:
    """Whether a sentence is none, or mixes the marks of English into it."""
    bare = re.sub(r"\[.*\]|`[^`]+`", "", sentence)
    return not HAN.search(bare) or not sentence.endswith("。") or bool(re.search(r"[,;!]|\?(?!source=)|: |（", bare))


CODES = {kind.code for kind in faults()} | set(BY_GRAPHQL)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_holds_every_code_and_nothing_else(language: str) -> None:
    assert out_of_step(CODES, words(language)) == set()
    for part in ("phrases", "forms"):
        assert getattr(words(language), part).keys() == getattr(words("en"), part).keys()


def test_the_guards_see_what_they_guard_against() -> None:
    assert out_of_step({*CODES, "NEW"}, words("zh")) == {"NEW"}
    assert out_of_step(CODES - {"INTERNAL"}, words("zh")) == {"INTERNAL"}
    assert all(map(not_chinese, ("No such tenant.", "没有该行政区", "没有该行政区,或您无权查看。")))


def test_english_is_what_the_code_says() -> None:
    for kind in faults():
        assert message(kind(), "en") == kind().message, kind
        assert message(kind("Do this."), "en") == kind("Do this.").message


@pytest.mark.parametrize("code", sorted(CODES))
def test_chinese_is_chinese_and_names_the_same_things(code: str) -> None:
    chinese, english = words("zh").codes[code], words("en").codes[code]
    assert not not_chinese(chinese)
    assert set(FIXED.findall(chinese)) == set(FIXED.findall(english.rstrip(".")))


def test_no_two_codes_that_differ_in_english_are_the_same_in_chinese() -> None:
    by_sentence: dict[str, set[str]] = {}
    for code, sentence in words("zh").codes.items():
        by_sentence.setdefault(sentence, set()).add(words("en").codes[code])
    assert {chinese: english for chinese, english in by_sentence.items() if len(english) > 1} == {}


def test_a_detail_follows_its_sentence() -> None:
    assert told("TENANT_NOT_FOUND", "", "zh") == "没有该行政区，或您无权查看。"
    assert told("PORT_TAKEN", "8123; {x}", "zh") == "端口已被占用。（8123; {x}）"
    assert told("PORT_TAKEN", "8123; {x}", "en") == "The port is taken. 8123; {x}"
    assert told("XES_INVALID", "(line 1)", "zh") == "文件不是可以读取的 XES 文件。（line 1）"
    assert told("XES_INVALID", "(line 1)", "en") == "The file is no XES that can be read. (line 1)"


ACCEPTED = {
    "": "zh",
    "zh": "zh",
    "zh-CN,zh;q=0.9,en;q=0.8": "zh",
    "zh-Hans-CN": "zh",
    "en": "en",
    "EN-us": "en",
    "en-GB, en;q=0.5": "en",
    "fr, en;q=0.1": "en",
    "en;q=0.3, zh;q=0.4": "zh",
    "zh;q=0.3, en;q=0.4": "en",
    "en, zh": "zh",
    "fr": "zh",
    "*": "zh",
    "*, zh;q=0": "en",
    "*;q=0.1, en": "en",
    "en;q=nonsense": "zh",
    ";;,=,\x00": "zh",
}


@pytest.mark.parametrize("asked", ACCEPTED)
def test_the_language_is_the_one_that_weighs_most(asked: str) -> None:
    assert chosen(asked.encode(), "zh") == ACCEPTED[asked]


def test_the_setting_decides_where_the_request_does_not() -> None:
    assert chosen(b"fr", "en") == "en"
    assert chosen(b"zh, en", "en") == "en"
    assert chosen(b"zh, en;q=0.9", "en") == "zh"


def test_a_receipt_says_why_in_either_language() -> None:
    line = Arrival(1, b"", id="e1")

    def said(receipt: Receipt) -> tuple[str | None, str | None]:
        return receipt.said("zh"), receipt.message

    assert said(failed(line, TenantBroken("It is full."))) == (
        "该行政区的数据库返回错误。（It is full.）请重新发送。",
        "The tenant's database answers with an error. It is full. Send it again.",
    )
    assert said(failed(line, Failure("secret"))) == (
        "该行数据未能写入。请重新发送。",
        "The line could not be written. Send it again.",
    )
    assert failed(line, Failure("secret")).detail == ""
    assert said(refused(line, TenantNotFound())) == ("没有该行政区，或您无权查看。", "No such tenant, or not one you may see.")


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway as it is without a setting. One of its tenants has lost its database."""
    folder = tmp_path_factory.mktemp("chinese")
    asyncio.run(made(folder))
    (lost,) = folder.rglob("620200.db")
    lost.unlink()
    with running(configured(folder, language="zh"), time.time) as serving:
        yield serving


ENGLISH = {"accept-language": "en-US,en;q=0.9,zh;q=0.1"}


def first(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["errors"][0]
    return error


def test_a_refused_tenant_is_told_in_chinese_and_hidden_like_one_that_is_none(chinese: Running) -> None:
    theirs, none = (chinese.ask("county", f'{{ tenant(code: "{code}") {{ name }} }}') for code in ("620100", "620900"))
    assert first(theirs)["message"] == "没有该行政区，或您无权查看。"
    assert theirs.content == none.content
    assert (theirs.headers["content-language"], theirs.headers["vary"]) == ("zh", "accept, accept-language")


def test_the_same_in_english_for_who_asks_for_it(chinese: Running) -> None:
    answer = chinese.ask("county", '{ viewer { language } tenant(code: "620100") { name } }', headers=ENGLISH)
    assert answer.json()["data"]["viewer"] == {"language": "en"}
    assert first(answer)["message"] == "No such tenant, or not one you may see."
    assert answer.headers["content-language"] == "en"


def test_a_document_that_is_kept_refused_is_told_to_each_in_their_language(chinese: Running) -> None:
    for _ in range(2):
        error = first(chinese.ask("city", "{ nothing }"))
        detail = "Cannot query field 'nothing' on type 'Query'."
        assert error["message"] == f"查询文档不符合模式定义，错误位置已列出。（{detail}）"
        assert error["extensions"] == {"code": "VALIDATION_FAILED", "detail": detail}
        english = first(chinese.ask("city", "{ nothing }", headers=ENGLISH))
        assert (english["message"], english["extensions"]) == (detail, error["extensions"])
        assert first(chinese.ask("city", "{"))["message"].startswith("查询文档不符合 GraphQL 语法，错误位置已列出。（Syntax Error")


def test_a_missing_tenant_is_told_in_chinese_in_both_places(chinese: Running) -> None:
    lacking = "incomplete { tenant code message }"
    query = f"{{ cases {{ totalCount {lacking} }} summary(by: [LIGHT]) {{ groups {{ count }} {lacking} }} }}"
    answer = chinese.ask("province", query).json()
    (lack,) = answer["data"]["cases"]["incomplete"]
    assert (lack["tenant"], HAN.search(lack["message"]) is not None) == ("620200", True)
    assert {error["message"] for error in answer["errors"]} == {lack["message"]}
    assert answer["data"]["summary"]["incomplete"] == [lack]
    english = chinese.ask("province", query, headers=ENGLISH).json()["data"]["cases"]["incomplete"][0]
    assert (english["code"], HAN.search(english["message"])) == (lack["code"], None)
    state = chinese.ask("province", '{ tenant(code: "620200") { availability { code message } } }').json()["data"]["tenant"]
    assert state["availability"] == {"code": lack["code"], "message": lack["message"]}


def refusals(gateway: Running) -> Iterator[tuple[int, httpx.Response]]:
    token = {"authorization": f"Bearer {gateway.token('sender')}"}
    client = gateway.client
    yield 401, client.post("/graphql", json={"query": "{ __typename }"})
    yield 401, client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": "Bearer x"})
    yield 413, client.post("/graphql", content=b" " * 2_000_000, headers=token | {"content-type": "application/json"})
    yield 415, client.post("/graphql", content=b"{}", headers=token)
    yield 404, client.get("/nowhere")
    yield 405, client.post("/healthz")
    yield 401, client.post("/ingest/620100?source=wabo")
    yield 404, client.post("/ingest/620200?source=wabo", headers=token)
    yield 400, client.post("/ingest/620100", headers=token)


def test_http_refuses_in_chinese(chinese: Running) -> None:
    for status, answer in refusals(chinese):
        error = first(answer)
        assert answer.status_code == status
        assert answer.headers["content-language"] == "zh"
        assert "accept-language" in answer.headers["vary"]
        assert error["message"] == told(error["extensions"]["code"], error["extensions"].get("detail", ""), "zh")
        assert answer.headers.get("www-authenticate", "").isascii()


def test_receipts_are_chinese(chinese: Running) -> None:
    headers = {"authorization": f"Bearer {chinese.token('sender')}"}
    event = {"kind": "opened", "id": "x", "case": "C", "occurredAt": "2026-11-02T09:00:00Z"}
    body = b"{\n" + orjson.dumps(event)
    answers = [chinese.client.post("/ingest/620100?source=wabo", content=body, headers=headers | more) for more in ({}, ENGLISH)]
    assert [answer.headers["content-language"] for answer in answers] == ["zh", "en"]
    (spoilt, unknown), english = ([orjson.loads(text) for text in answer.text.splitlines()] for answer in answers)
    assert (spoilt["code"], spoilt["message"].split("（")[0]) == ("NOT_JSON", words("zh").codes["NOT_JSON"])
    assert unknown["message"] == told("EVENT_KIND_UNKNOWN", unknown["detail"], "zh")
    assert english[1]["message"] == told("EVENT_KIND_UNKNOWN", unknown["detail"], "en")


def test_the_command_line_refuses_by_the_setting(tmp_path: Path) -> None:
    arguments = ("explain", "{ __typename }", "--as", "city", "--variables", "[]")
    for named, language in (("zh", "zh"), ("en", "en")):
        ran = mingjing(*arguments, data=tmp_path, MINGJING_LANGUAGE=named)
        assert (ran.returncode, ran.stderr) == (2, f"mingjing: {told('VARIABLES_INVALID', '', language)}\n")
    ran = mingjing("token", "--tenant", "620100", data=tmp_path, MINGJING_LANGUAGE="fr")
    found = "MINGJING_LANGUAGE='fr' must be one of zh, en"
    assert ran.stderr == f"mingjing: {told('SETTING_INVALID', found, 'zh')}\n"
