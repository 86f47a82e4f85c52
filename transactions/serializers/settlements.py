"""Settlements of all sessions in answers of the REST API."""

from __future__ import annotations

from rest_framework import serializers

from transactions.serializers import SettlementSerializer


class ListedSettlementSerializer(SettlementSerializer):
    """A decision with its session, for the list of all."""

    id = serializers.IntegerField()
    transactionId = serializers.IntegerField(source="transaction_id")
    clientId = serializers.CharField(source="transaction.charge_point.identity")
