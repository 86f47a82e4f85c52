"""The statistics of alerts over REST."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from alerts.filters.statistics import StatisticQuery
from alerts.models import Alert
from alerts.serializers.statistics import AlertStatisticsSerializer
from alerts.services import statistics, words
from alerts.views.alerts import TAG
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView


class StatisticsView(ApiView):
    is_of_sites = True

    @described(
        "Get how many alerts were opened, and how long the reactions took",
        enveloped("AlertStatistics", AlertStatisticsSerializer),
        tag=TAG,
        query=StatisticQuery,
        also=(400,),
        description="One row for each month of UTC and kind of alert, the newest month first, with the mean "
        "times to the first acknowledgement and to the end. `from` and `to` are about the opening. Alerts "
        "are kept for ALERT_RETENTION after their end. An alert that opened again counts from its last "
        "opening.",
    )
    def get(self, request: Request) -> Response:
        found = statistics.by_month(query(StatisticQuery, request).filtered(Alert.objects.all()))
        data = AlertStatisticsSerializer({"statistics": found, "count": len(found)}).data
        return answer(f"{words.counted(len(found), 'row')} of statistics.", dict(data))
