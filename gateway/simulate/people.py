"""Invented people and companies: names, addresses, telephones, certificate numbers that can be nobody's.

Every number breaks its own rule on purpose: certificate numbers and credit codes end in a wrong check digit,
and no mobile number begins with 12. Knows no cases.
"""

from datetime import date, timedelta
from random import Random

from supervision.events import Applicant

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林罗高梁郑谢宋唐许邓韩冯曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任"
    "姚卢傅钟姜崔谭陆汪范石廖贾韦夏付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国文斌鹏辉晓红宇晨欣怡浩然梓涵雨泽子轩思远嘉宁"
    "志新海燕春梅立新俊峰雪琴永成"
)
STREETS = ("人民路", "解放路", "建设路", "文化路", "东风路", "滨河路", "中山路", "和平路", "胜利街", "南关街", "西环路")
TRADES = ("餐饮", "商贸", "建筑工程", "物流运输", "农业科技", "生物科技", "文化传媒", "环保", "机电设备", "酒店管理", "食品")
WORDS = "瑞恒鑫宏泰盛源丰华隆祥达通利兴旺佳和顺安康福润嘉博远信诚"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"
CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = tuple(3**place % 31 for place in range(17))


def dice(*path: object) -> Random:
    """The same throws for the same path, on every machine."""
    return Random("/".join(map(str, path)))  # noqa: S311 - a simulation, nothing secret


def person_name(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2))))


def company_name(rng: Random, place: str) -> str:
    return f"{place}{''.join(rng.choices(WORDS, k=2))}{rng.choice(TRADES)}有限公司"


def address(rng: Random, place: str) -> str:
    return f"{place}{rng.choice(STREETS)}{rng.randint(1, 880)}号"


def phone(rng: Random) -> str:
    return f"12{rng.randrange(10**9):09d}"


def id_check(body: str) -> str:
    """The right check digit of 17 digits (GB 11643)."""
    return ID_CHECKS[sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True)) % 11]


def idno(rng: Random, code: str) -> str:
    """Like a resident's certificate number of this division, with a check digit that is wrong."""
    born = date(1950, 1, 1) + timedelta(days=rng.randrange(20_000))
    body = f"{code[:6]}{born:%Y%m%d}{rng.randrange(1000):03d}"
    return body + rng.choice([check for check in ID_CHECKS if check != id_check(body)])


def credit_check(body: str) -> str:
    """The right check character of 17 characters (GB 32100)."""
    total = sum(CREDIT_LETTERS.index(letter) * weight for letter, weight in zip(body, CREDIT_WEIGHTS, strict=True))
    return CREDIT_LETTERS[-total % 31]


def credit_code(rng: Random, code: str) -> str:
    """Like a unified social credit code, with a check character that is wrong."""
    body = f"91{code[:6]}" + "".join(rng.choices(CREDIT_LETTERS, k=9))
    return body + rng.choice([check for check in CREDIT_LETTERS if check != credit_check(body)])


def applicant(rng: Random, code: str, place: str) -> Applicant:
    """A person, or (two in five) a company of this place."""
    if rng.random() < 0.6:
        return Applicant(name=person_name(rng), kind="PERSON", idno=idno(rng, code), phone=phone(rng), address=address(rng, place))
    return Applicant(
        name=company_name(rng, place),
        kind="ORGANISATION",
        idno=credit_code(rng, code),
        phone=phone(rng),
        address=address(rng, place),
    )
