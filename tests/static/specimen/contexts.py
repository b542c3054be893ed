"""Invented data for the specimen: a shell, and a card in every state it can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Some
from typing import Any

WORDS = {
    "queued": ("Queued", "queued"),
    "running": ("Generating", "running"),
    "saving": ("Saving copy", "saving"),
    "ready": ("Ready", "circle-check"),
    "failed": ("Failed", "octagon-x"),
    "attention": ("Needs attention", "triangle-alert"),
}
SAFE = Some(kind="safe", word="Safe", icon="shield-check", level="quiet", ends_at=None)
LOST = Some(kind="lost", word="Lost", icon="shield-off", level="bad", ends_at=None)
PEOPLE = [("Ana Kovač", "AK", 5), ("Mei Tanaka", "MT", 3), ("Jon Lindqvist", "JL", 2), ("Sam Okafor", "SO", 4)]


def at_risk(minutes: float, level: str, now: datetime) -> Some:
    return Some(
        kind="at_risk", word="At risk", icon="shield-clock", level=level, ends_at=now + timedelta(minutes=minutes)
    )


def card(pk: int, state: str, prompt: str, now: datetime, **changes: Any) -> Some:
    """One card, ready for `gallery/_card.html`; `changes` name what differs."""
    word, icon = WORDS[state]
    name, initials, hue = PEOPLE[pk % len(PEOPLE)]
    shape = changes.pop("shape", "16x9")
    facts: dict[str, Any] = {
        "pk": pk, "url": "/detail/", "state": state, "word": word, "icon": icon, "custody": None, "prompt": prompt,
        "short_task_id": "b8c2d7e1…2c54", "ratio_class": "ar-free" if shape == "odd" else f"ar-{shape}",
        "poster_url": None, "preview_url": None, "preview_type": "video/mp4", "width": 640, "height": 360,
        "duration_text": "0:05", "owner_name": name, "owner_initials": initials, "owner_hue": hue,
        "created_at": now - timedelta(minutes=10 * pk), "since": None, "usual_low_s": 60, "usual_high_s": 120,
        "usual_p90_s": 130, "next_check_at": None, "is_finalising": False, "copied_bytes": None, "total_bytes": None,
        "title": None, "sentence": None, "actions": (), "is_lost": False, "is_simulated": False,
    }  # fmt: skip
    if state in ("ready", "saving"):
        facts["poster_url"] = f"/still/{shape}/{pk}"
    if state == "ready":
        facts |= {"custody": SAFE, "preview_url": "/clip.mp4"}
    return Some(**(facts | changes))


def action(label: str, method: str = "post") -> Some:
    return Some(label=label, url="/states/", method=method, icon="refresh-cw")


def cards(now: datetime) -> list[Some]:
    """Every state, in the order a busy afternoon would show them."""

    def ago(seconds: int) -> datetime:
        return now - timedelta(seconds=seconds)

    soon = now + timedelta(seconds=6)
    return [
        card(1, "running", "Bubbles drifting over deep violet, catching a warm edge light", now,
             since=ago(72), next_check_at=soon),
        card(2, "saving", "Golden hour over open water, low camera gliding above the swell", now,
             custody=at_risk(58, "quiet", now), copied_bytes=14_200_000, total_bytes=38_000_000),
        card(3, "ready", "A translucent jellyfish rising through teal water", now, shape="9x16"),
        card(4, "ready", "Endless dunes, raking evening sun, a single crest of blowing sand", now, shape="21x9",
             duration_text="0:09"),
        card(5, "ready", "Four iridescent glass spheres on warm plaster", now, shape="1x1", is_simulated=True),
        card(6, "failed", "Moonlight between black trunks, light shafts", now, title="Stopped by moderation",
             sentence="The provider refused the start image. Nothing was charged.", actions=(action("Check again"),)),
        card(7, "queued", "Paper-cut topography in sand and cream", now, since=ago(9), next_check_at=soon),
        card(8, "running", "Night highway towards the skyline", now, since=ago(161), next_check_at=soon),
        card(9, "attention", "Two black glass pebbles, amber and blue rim light", now,
             custody=at_risk(4, "bad", now), title="Copy keeps failing",
             sentence="The media host answered 503 four times. Next try in 40 s.",
             actions=(action("Fetch now"), action("Details", "get"))),
        card(10, "attention", "Burning sunset behind endless ridges, heat shimmer", now, custody=LOST, is_lost=True,
             poster_url="/still/16x9/4", title="Link ended before the copy was made"),
        card(11, "running", "", now, since=ago(30), usual_high_s=None, usual_low_s=None, usual_p90_s=None),
        card(12, "running", "Ridges in haze, made and waiting", now, since=ago(200), is_finalising=True),
        card(13, "ready", "مشهد لمدينة مضاءة ليلا 🌃 with mixed directions", now, shape="odd"),
        card(14, "saving", "A copy whose size nobody told", now, custody=at_risk(24, "warn", now),
             copied_bytes=5_200_000, poster_url=None),
        card(15, "attention", "Asked long ago, never answered", now, title="Not found at the provider",
             sentence="The key “CometAPI main” does not know this id.", actions=(action("Check now"),)),
        card(16, "ready", "Ringed gas giant turning out of shadow, film grain", now, shape="16x9"),
    ]  # fmt: skip


def shell(current: str, now: datetime) -> Some:
    def item(name: str, icon: str, count: int, short: str = "", **more: Any) -> Some:
        is_current = name == current
        return Some(
            name=name, short_name=short, icon=icon, count=count, url="/gallery/", is_current=is_current,
            **({"is_warning": False} | more),
        )  # fmt: skip

    home = Some(name="Northlight", slug="northlight", url="/gallery/")
    return Some(
        workspace=home,
        workspaces=[home, Some(name="Aster Films", slug="aster", url="/empty/")],
        nav=[
            item("Gallery", "layout-grid", 3412),
            item("In progress", "running", 3),
            item("Needs attention", "triangle-alert", 2, "Attention", is_warning=True),
        ],
        custody=Some(
            safe_count=3405, share=99.8, at_risk_count=3, first_ends_at=now + timedelta(minutes=12), url="/gallery/"
        ),
        person=Some(name="Ana Kovač", initials="AK", hue=5),
        can_track=True,
        search="",
        track_url="/track/",
        activity_url="/gallery/",
        trash_url="/gallery/",
        settings_url="/settings/",
        profile_url="/settings/",
        sign_out_url="/sign-in/",
        news_url="/gallery/",
        unread_count=3,
        unread_text="3",
        notifies=False,
        banner=None,
        undo=None,
    )


def context(page: str, theme: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    made = cards(now)
    current = {"gallery": "Gallery", "list": "Gallery", "empty": "Gallery"}.get(page, "")
    given: dict[str, Any] = {
        "theme": theme, "server_now": now, "csrf_token": "specimen", "shell": shell(current, now),
        "cards": made, "card": made[0], "messages": [],
    }  # fmt: skip
    if page == "states":
        given["shell"].banner = Some(
            title="The worker is not running.",
            text="What you see is from 14:02; nothing new is fetched or copied.",
            action=Some(url="/states/", label="What to do"),
        )
        given["shell"].undo = Some(text="1 generation moved to trash", url="/states/")
    return given
