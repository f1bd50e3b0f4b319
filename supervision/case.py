"""A case (办件): the fold of its events. Knows no database and no clock: `now` never enters.

The order of events is (`occurred_at`, `seq` with nulls last, event id), whatever order they arrived in.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a case stands."""

    INCOMPLETE = "INCOMPLETE"  # only later events have come; no light
    APPLIED = "APPLIED"  # 申请
    MATERIALS_REQUESTED = "MATERIALS_REQUESTED"  # 补正
    ACCEPTED = "ACCEPTED"  # 受理, 承办, 审核
    SUSPENDED = "SUSPENDED"  # 特别程序
    REFUSED = "REFUSED"  # 不受理
    WITHDRAWN = "WITHDRAWN"  # 撤回
    DECIDED = "DECIDED"  # 决定
    CLOSED = "CLOSED"  # 办结
    DELIVERED = "DELIVERED"  # 送达
