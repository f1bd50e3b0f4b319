"""Departments, officers and power items (权力事项) as the API tells of them. Declarations only: `rows` compiles what is asked."""

from datetime import datetime

import strawberry

from schema.columns import column, many, one, truth
from schema.declared import children
from schema.nodes import Node
from schema.scalars import Fen
from supervision.catalogue import LimitUnit, MaterialForm, PowerKind


@strawberry.type(description="部门: an agency of a tenant's government, whose business systems report cases.")
class Department(Node):
    code: str = column("Its code, unique in its tenant.")
    name: str = column("Its name.")


@strawberry.type(description="执法人员: who handles cases in a department.")
class Officer(Node):
    code: str = column("The officer's code, unique in the tenant.")
    name: str = column("The officer's name.")
    post: str | None = column("The post held (岗位).")
    certificate: str | None = column("The number of the law enforcement certificate (执法证号).")
    department: Department | None = one("The department.", "departments", "department_id")


@strawberry.type(description="A step that a case of the item goes through.")
class ItemStep:
    position: int = column("Its place among the steps, from 1.")
    code: str = column("Its code.")
    name: str = column("Its name.")
    post: str | None = column("The post that does it.")
    limit_days: int | None = column("The days it may take.")
    required: bool = truth("Whether no case may leave it out.")


@strawberry.type(description="A fee that the item may charge.")
class ItemFee:
    code: str = column("Its code.")
    name: str = column("Its name.")
    amount: Fen = column("The standard amount.")
    basis: str | None = column("The legal basis for charging it.")


@strawberry.type(description="申请材料: something that an applicant hands in.")
class ItemMaterial:
    position: int = column("Its place among the materials.")
    code: str = column("Its code.")
    name: str = column("Its name.")
    form: MaterialForm = column("How it is handed in.")
    copies: int = column("How many.")
    required: bool = truth("Whether nobody may leave it out.")
    note: str | None = column("What to mind.")


@strawberry.type(description="权力事项: a power that a department exercises, in one version of its definition.")
class PowerItem(Node):
    code: str = column("Its code, the same in every version.")
    version: int = column("The version.")
    name: str = column("Its name.")
    kind: PowerKind = column("The kind of power.")
    legal_basis: str | None = column("The legal basis (设定依据).")
    statutory_days: int | None = column("法定时限: the time limit by law, in days.")
    promised_days: int | None = column("承诺时限: the shorter limit the department promised; the clock runs by it.")
    limit_unit: LimitUnit = column("What the two limits count.")
    effective_from: datetime | None = column("When this version came into force.")
    department: Department | None = one("The department that exercises it.", "departments", "department_id")
    steps: list[ItemStep] | None = many("Its steps.", "item_steps", "item_id", "position", children)
    fees: list[ItemFee] | None = many("Its fees.", "item_fees", "item_id", "id", children)
    materials: list[ItemMaterial] | None = many("What an applicant hands in.", "item_materials", "item_id", "position", children)
