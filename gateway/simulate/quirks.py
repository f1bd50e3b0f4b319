"""What goes wrong, and how often: every irregularity that supervision knows, a line each.

A case draws its quirks here and nowhere else; the stories and the delivery act on them. Knows no dates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from gateway.simulate.offices import Power


@dataclass(frozen=True, slots=True)
class Quirk:
    """`share`: of the cases it can happen to. `kinds`: powers it can happen to (empty: all). `group`: at most one of a group."""

    share: float
    told: str
    kinds: str = ""
    group: str = ""


QUIRKS: Mapping[str, Quirk] = {
    # time limits
    "near_limit": Quirk(0.14, "ends on the last day 临近时限", group="pace"),
    "late": Quirk(0.06, "ends after its limit 超期办结", group="pace"),
    "forgotten": Quirk(0.03, "accepted, and never heard of again 逾期未办", group="pace"),
    "tacit": Quirk(0.012, "granted because nobody answered in time 超时默认", "PERMIT", group="pace"),
    # acceptance
    "refused": Quirk(0.03, "not accepted, with a reason 不予受理", "PERMIT DUTY TRADING RECONSIDERATION", group="entry"),
    "refused_silently": Quirk(0.015, "not accepted, without a reason 不受理未说明理由", "PERMIT DUTY TRADING", group="entry"),
    "materials": Quirk(0.09, "materials requested and supplied 补正", "PERMIT FUNDS", group="entry"),
    "materials_twice": Quirk(0.015, "materials requested more than once 多次补正", "PERMIT FUNDS", group="entry"),
    "materials_never": Quirk(0.015, "approved though the materials never came 材料未补齐即批准", "PERMIT FUNDS", group="entry"),
    "withdrawn": Quirk(0.02, "taken back by the applicant 撤回", "PERMIT DUTY TRADING RECONSIDERATION", group="end"),
    # procedure
    "special": Quirk(0.25, "the clock stopped for a special procedure 特别程序", group="stop"),
    "special_overrun": Quirk(0.05, "a special procedure longer than it may last 特别程序超期", group="stop"),
    "step_skipped": Quirk(0.025, "a step skipped 缺环节", group="steps"),
    "steps_swapped": Quirk(0.02, "steps out of order 环节倒置", group="steps"),
    "one_person": Quirk(0.025, "one person doing steps that must be separate 一人多岗", group="steps"),
    "wrong_post": Quirk(0.015, "a step done by the wrong post 越岗办理", group="steps"),
    "closed_first": Quirk(0.01, "closed before it was decided 先办结后决定", group="end"),
    # results
    "rejected": Quirk(0.04, "rejected, with a reason 不予批准", group="result"),
    "rejected_silently": Quirk(0.012, "rejected, without a reason 不予批准未说明理由", group="result"),
    "against_review": Quirk(0.012, "approved against the review 决定与审核意见相反", group="result"),
    # fees and penalties
    "fee_wrong": Quirk(0.12, "charged other than the standard 收费与标准不符", "PERMIT COLLECTION", group="fee"),
    "fee_baseless": Quirk(0.008, "charged without a basis 无依据收费", "PERMIT", group="fee"),
    "outside_tier": Quirk(0.05, "a penalty outside its tier 处罚超出裁量幅度", "PENALTY", group="amount"),
    "no_certificate": Quirk(0.04, "an officer without a certificate 无证执法", "PENALTY COMPULSION", group="officer"),
    "unpaid": Quirk(0.10, "a penalty not paid 罚款未缴", "PENALTY", group="payment"),
    "paid_short": Quirk(0.05, "a penalty paid in part 罚款未缴足", "PENALTY", group="payment"),
    "appealed": Quirk(0.06, "contested 申请复议", "PENALTY", group="appeal"),
    # what was sent, and how
    "early_missing": Quirk(0.012, "the first events never sent 缺早期数据", group="sent"),
    "out_of_order": Quirk(0.05, "an event arriving after later ones 迟到", group="sent"),
    "duplicate": Quirk(0.03, "an event sent twice 重复报送", group="again"),
    "conflict": Quirk(0.004, "an event sent again with other content 内容冲突", group="again"),
    "garbage": Quirk(0.004, "a line that is no event 无法解析", group="noise"),
    "unknown_item": Quirk(0.003, "an item that nobody registered 未登记事项", group="noise"),
}
"""Name → quirk."""


def can_happen(name: str, power: Power) -> bool:
    """A special procedure needs an item that has one, a wrong fee one with a standard, a limit one that has a limit."""
    quirk = QUIRKS[name]
    if quirk.kinds and power.item.kind not in quirk.kinds.split():
        return False
    if name.startswith("special"):
        return power.special is not None
    if name in ("fee_wrong", "fee_baseless"):
        return bool(power.item.fees) is (name == "fee_wrong")
    return quirk.group != "pace" or power.item.limit is not None


def drawn(rng: Random, power: Power) -> frozenset[str]:
    """The quirks of one case: each by its share, at most one of a group."""
    found: dict[str, str] = {}
    for name, quirk in QUIRKS.items():
        if rng.random() < quirk.share and can_happen(name, power):
            found.setdefault(quirk.group, name)
    return frozenset(found.values())
