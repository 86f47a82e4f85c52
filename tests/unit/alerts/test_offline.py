"""Stations, sites and the fleet offline: one alert for one cause."""

from __future__ import annotations

from datetime import timedelta

from pytest_django.fixtures import Settings

from alerts.models import Alert, AlertRule
from chargepoints.models import ChargePoint, Site
from events.models import Event
from tests.unit.alerts.conftest import NOON, Watch, a_station, alerts, comes_online, emitted, goes_offline


def test_a_station_that_is_offline_for_five_minutes_opens_one_alert(watch: Watch) -> None:
    row = a_station()
    goes_offline(row)
    watch.look()

    watch.after(299)
    assert alerts() == []
    watch.after(120)

    (alert,) = alerts()
    assert (alert.code, alert.key, alert.state) == ("offline", "offline:CP-7", "open")
    assert alert.title == "CP-7 has been offline since 12:00 UTC"
    assert alert.severity == "warning"
    assert "power" in alert.what_to_do
    assert emitted() == ["alert.opened"]
    event = Event.objects.get(type="alert.opened")
    assert (event.station, event.content["alertId"], event.content["suppression"]) == ("CP-7", alert.pk, "")


def test_a_station_that_returns_in_time_opens_none(watch: Watch) -> None:
    row = a_station()
    for _ in range(3):
        goes_offline(row)
        watch.after(270)
        comes_online(row)
        watch.after(30)

    assert alerts() == []


def test_the_alert_resolves_when_the_station_was_back_for_two_minutes(watch: Watch) -> None:
    row = a_station()
    goes_offline(row)
    watch.after(360)
    comes_online(row)

    watch.after(119)
    (alert,) = alerts()
    assert (alert.state, alert.is_recovering) == ("open", True)
    watch.after(30)

    (alert,) = alerts()
    assert (alert.state, alert.resolution, alert.resolved_by) == ("resolved", "recovered", "server")
    assert alert.resolved_at is not None
    assert emitted() == ["alert.opened", "alert.resolved"]


def test_offline_for_an_hour_is_critical(watch: Watch) -> None:
    goes_offline(a_station())

    watch.after(300)
    watch.after(3299)
    assert alerts()[0].severity == "warning"
    watch.after(1)

    assert alerts()[0].severity == "critical"
    assert emitted() == ["alert.opened", "alert.escalated"]


def test_opened_again_soon_it_is_the_same_alert(watch: Watch) -> None:
    row = a_station()
    goes_offline(row)
    watch.after(360)
    comes_online(row)
    watch.after(180)
    goes_offline(row)
    watch.after(360)

    (alert,) = alerts()
    assert (alert.state, alert.episode, alert.resolution) == ("open", 2, "")
    comes_online(row)
    watch.after(180)
    watch.after(16 * 60)
    goes_offline(row)
    watch.after(360)

    assert [(one.state, one.episode) for one in alerts()] == [("resolved", 2), ("open", 1)]


def test_a_site_offline_is_one_alert(watch: Watch) -> None:
    site = Site.objects.create(name="Depot")
    rows = [a_station(f"CP-{number}", site=site) for number in range(4)]
    goes_offline(*rows)

    watch.after(600)

    sent = [one for one in alerts() if not one.suppression]
    (alert,) = sent
    assert (alert.key, alert.severity) == (f"site_offline:{site.pk}", "critical")
    assert alert.title == "4 of 4 stations at Depot are offline"
    assert alert.detail == "Since 12:00 UTC: CP-0, CP-1, CP-2, CP-3"
    inhibited = Alert.objects.filter(code="offline")
    assert {(one.suppression, one.inhibited_by_id) for one in inhibited} == {("inhibited", alert.pk)}
    assert inhibited.count() == 4


def test_what_outlives_the_alert_of_its_site_counts_again(watch: Watch) -> None:
    site = Site.objects.create(name="Depot")
    rows = [a_station(f"CP-{number}", site=site) for number in range(4)]
    goes_offline(*rows)
    watch.after(600)

    comes_online(*rows[1:])
    watch.after(150)
    (of_site,) = alerts("site_offline")
    assert of_site.state == "resolved"
    left = Alert.objects.unresolved().get()
    assert (left.station, left.suppression) == ("CP-0", "inhibited")
    watch.after(120)

    left.refresh_from_db()
    assert (left.suppression, left.inhibited_by_id) == ("", None)
    last = Event.objects.filter(type="alert.opened").latest("id")
    assert (last.station, last.content["suppression"]) == ("CP-0", "")


def test_two_of_ten_stations_are_no_site(watch: Watch) -> None:
    site = Site.objects.create(name="Depot")
    rows = [a_station(f"CP-{number}", site=site) for number in range(10)]
    goes_offline(*rows[:4])

    watch.after(400)

    assert {one.code for one in alerts()} == {"offline"}


def test_many_stations_of_all_sites_are_one_alert_at_once(watch: Watch) -> None:
    rows = [a_station(f"CP-{number}") for number in range(30)]
    goes_offline(*rows[:12])

    watch.after(30)
    (alert,) = alerts()
    assert (alert.key, alert.title) == (
        "fleet_offline",
        "12 of 30 stations went offline within 15 minutes",
    )
    watch.after(1200)
    assert [one.suppression for one in alerts("offline")] == ["inhibited"] * 12

    comes_online(*rows[:10])
    watch.after(120)
    alert.refresh_from_db()
    assert alert.state == "resolved"


def test_after_a_start_nothing_opens_until_the_stations_had_time(watch: Watch, settings: Settings) -> None:
    settings.ALERT_WARMUP = 600
    rows = [a_station(f"CP-{number}") for number in range(50)]
    goes_offline(*rows)

    watch.after(570)
    assert alerts() == []
    comes_online(*rows[1:])
    watch.after(60)

    assert [one.key for one in alerts()] == ["offline:CP-0"]


def test_a_deleted_station_resolves_its_alerts(watch: Watch) -> None:
    row = a_station()
    goes_offline(row)
    watch.after(360)
    row.delete()
    watch.after(30)

    (alert,) = alerts()
    assert (alert.state, alert.resolution, alert.station) == ("resolved", "removed", "CP-7")


def test_stations_that_are_not_expected_have_no_alert(watch: Watch) -> None:
    goes_offline(
        a_station("rejected", registration_status="Rejected"),
        a_station("long-gone", last_seen_at=NOON - timedelta(days=31)),
    )
    ChargePoint.objects.create(identity="new", registration_status="Accepted")

    watch.after(400)

    assert alerts("offline") == []


def test_the_rule_of_a_site_counts_before_the_rule_for_all(watch: Watch) -> None:
    site = Site.objects.create(name="Depot")
    goes_offline(a_station("A", site=site), a_station("B"))
    own = AlertRule.objects.get(code="offline")
    own.pk, own.site, own.for_s = None, site, 3600
    own.save()

    watch.after(400)

    assert [one.station for one in alerts()] == ["B"]


def test_a_disabled_rule_resolves_its_alerts(watch: Watch) -> None:
    goes_offline(a_station())
    watch.after(400)
    AlertRule.objects.filter(code="offline").update(is_enabled=False)
    watch.after(30)

    (alert,) = alerts()
    assert (alert.state, alert.resolution) == ("resolved", "rule-removed")


def test_more_alerts_than_allowed_are_counted_in_one(watch: Watch, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("alerts.services.judging.MOST_OF_A_CODE", 3)
    AlertRule.objects.filter(code="fleet_offline").update(is_enabled=False)
    goes_offline(*(a_station(f"CP-{number}") for number in range(8)))

    watch.after(600)

    assert len(alerts()) == 4
    (others,) = [one for one in alerts() if one.key == "offline:others"]
    assert others.title == "Station offline: 5 more"


def test_a_new_station_that_never_came_is_named_after_a_day(watch: Watch) -> None:
    row = ChargePoint.objects.create(identity="NEW", registration_status="Accepted")
    ChargePoint.objects.filter(pk=row.pk).update(created_at=NOON - timedelta(hours=23))

    watch.look()
    assert alerts() == []
    watch.after(3900)

    (alert,) = alerts()
    assert (alert.code, alert.severity) == ("never_connected", "info")
