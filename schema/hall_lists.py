"""Pages of halls, cameras and viewings. What their rows hold is in the tenants; what a camera does right now the gateway knows."""

from schema.compiling import Arguments, At
from schema.connections import RowsField
from schema.filters import Known, among, present
from schema.run import Run
from schema.within import meant
from tenants.read.request import Filter, Order

HALLS: Known = {**{name: among(name) for name in ("code", "kind")}, "retired": present("retired_at")}
CAMERAS: Known = {**{name: among(name) for name in ("code", "department")}, "retired": present("retired_at")}
VIEWINGS: Known = {
    **{name: among(name) for name in ("actor", "purpose")},
    "live": lambda wanted: [Filter("ended_at", "is_null", wanted)],
    "since": lambda moment: [Filter("began_at", "ge", moment)],
    "until": lambda moment: [Filter("began_at", "lt", moment)],
}
"""Field of a filter → its conditions."""


class HallsField(RowsField):
    """`halls`."""

    entity = "halls"
    where = HALLS

    def within(self, run: Run, at: At) -> tuple[str, ...]:
        return meant(run.context, at.arguments.get("within"), at.arguments["below"])


class CamerasField(HallsField):
    """`cameras`."""

    entity = "cameras"
    where = CAMERAS


class ViewingsField(HallsField):
    """`viewings`: of the halls that the asker manages."""

    entity = "viewings"
    action = "hall.manage"
    where = VIEWINGS

    def order(self, arguments: Arguments) -> Order:
        return Order("began_at", True)
