"""The figures that every process shows at ``/metrics``, each defined once."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PROCESS_STARTS = Gauge("gongxiang_process_starts", "How often this slot has started", ["slot"])
ALARMS = Counter("gongxiang_alarms", "States of affairs that cannot be", ["service", "kind"])
DEAD_LETTERS = Counter("gongxiang_dead_letters", "Messages set aside", ["service", "topic"])
EVENTS_HEARD = Counter("gongxiang_events_heard", "Events handled", ["service", "type"])
EVENTS_SENT = Counter("gongxiang_events_sent", "Events acknowledged by the broker", ["service"])
EVENT_LAG_S = Gauge(
    "gongxiang_event_lag_seconds", "Age of the newest event heard when it was heard", ["service"]
)
EVENTS_UNREAD = Gauge(
    "gongxiang_events_unread", "Messages in assigned partitions not handled yet", ["service"]
)
OLDEST_UNSENT_S = Gauge(
    "gongxiang_oldest_unsent_seconds", "Age of the oldest row not yet told", ["service"]
)
PARTITIONS_PAUSED = Gauge(
    "gongxiang_partitions_paused", "Partitions paused by too many dead letters", ["service"]
)
CONFLICTS = Counter("gongxiang_conflicts", "Units of work run again", ["service"])
HANDLING_S = Histogram("gongxiang_batch_seconds", "Time to handle one batch of events", ["service"])
