"""Activities appear: published by the organisers of their streets, or imported from a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from deploy.demo import data
from deploy.demo.client import Body
from deploy.demo.data import ZONE, PlannedActivity
from deploy.demo.district import District
from deploy.demo.plan.sign_ups import Slot
from deploy.demo.scene import Scene
from deploy.demo.tally import NotAsPlanned
from shared import ids

MAPPING = Path(__file__).parent / "nyc-mapping.json"
WEEKS_AHEAD = 60
"""Whatever a file publishes lies within a year."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What is on offer: the activities' number, and their shifts as the service shows them."""

    activities: int
    slots: list[Slot]


def by_organisers(scene: Scene, district: District, *, times: int) -> Published:
    """Publish what the communities planned for tomorrow; ``times`` the planned places."""
    tomorrow = (scene.clock.now().astimezone(ZONE) + timedelta(days=1)).date()

    def publish(activity: PlannedActivity) -> None:
        organiser = district.organiser(activity.region)
        shifts = [(shift.on(tomorrow), shift.places * times) for shift in activity.shifts]
        made = scene.services.activities.post(
            "/activities",
            {
                "title": activity.title,
                "summary": activity.summary,
                "kind": activity.kind,
                "region": activity.region,
                "shifts": [
                    {
                        "starts_at": starts.isoformat(),
                        "ends_at": ends.isoformat(),
                        "places": places,
                    }
                    for (starts, ends), places in shifts
                ],
            },
            by=organiser,
        )
        scene.services.activities.post(
            f"/activities/{made['activity_id']}/publications", by=organiser
        )

    planned = data.activities()
    scene.crew.each("发布活动 · Activities are published", planned, publish)
    return _published(scene, activities=len(planned))


def by_import(scene: Scene, district: District, file: Path) -> Published:
    """Import the file's activities, tally what was published and what was rejected and why.

    The same file is sent once more, as a nervous administrator does: that changes nothing.
    """
    done = _import(scene, district, file, "导入活动 · Activities are imported")
    again = _import(scene, district, file, "再次导入 · The same file once more")
    if (again["published"], again["unchanged"]) != (0, done["published"]):
        raise NotAsPlanned(f"the same file again was to change nothing: {again}")
    rejected = scene.services.activities.pages(
        f"/imports/{done['import_id']}/rows", by=district.admin, params={"outcome": "rejected"}
    )
    scene.tally.imported = {
        "rows": done["rows"],
        "published": done["published"],
        "rejected": [{"line": row["line"], "reason": row["reason"]} for row in rejected],
    }
    return _published(scene, activities=done["published"])


def _import(scene: Scene, district: District, file: Path, title: str) -> Body:
    form = {
        "file": (file.name, file.read_bytes(), "text/csv"),
        "mapping": ("mapping.json", MAPPING.read_bytes(), "application/json"),
    }
    with scene.crew.step(title) as step:
        return scene.services.activities.settle(
            "/imports",
            form=form,
            by=district.admin,
            key=ids.new_id(),
            done=lambda answer: answer["finished_at"] is not None,
            seen=lambda answer: step.reached(answer["done"], answer["rows"]),
        )


def _published(scene: Scene, *, activities: int) -> Published:
    now = scene.clock.now()
    shifts = scene.services.activities.pages(
        "/shifts",
        by=None,
        params={
            "region": data.DISTRICT,
            "from": now.isoformat(),
            "to": (now + timedelta(weeks=WEEKS_AHEAD)).isoformat(),
        },
    )
    return Published(activities=activities, slots=[_slot(shift) for shift in shifts])


def _slot(shift: Body) -> Slot:
    return Slot(
        shift_id=shift["shift_id"],
        activity_id=shift["activity_id"],
        region=shift["region"],
        starts_at=datetime.fromisoformat(shift["starts_at"]),
        ends_at=datetime.fromisoformat(shift["ends_at"]),
        places=shift["places"],
    )
