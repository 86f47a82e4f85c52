"""Messages that real chargers sent, on a server that is one process."""

from __future__ import annotations

import pytest

from tests.conformance.every.field_frames.steps import CASES, NAMES, PAIRS, Deployment, run
from tests.conformance.peer import Records


@pytest.mark.parametrize(("case", "version"), PAIRS, ids=NAMES)
async def test_the_message_of_a_real_charger_is_understood(server, make_server, case, version):
    chosen = make_server(**case["settings"]) if "settings" in case else server
    records = Records(chosen.database)

    def deviations(identity: str) -> set[str]:
        return {row["kind"] for row in records.of("chargepoints_deviation", identity)}

    await run(Deployment(chosen, chosen, deviations), case, version)


def test_each_case_has_steps_or_a_reason_for_each_dialect():
    for case in CASES:
        dialects = [case.get("ocpp1.6"), case.get("ocpp2.x")]
        assert case.get("every") or all(dialects), case["id"]
        assert any(not isinstance(steps, str) for steps in [case.get("every"), *dialects] if steps)
