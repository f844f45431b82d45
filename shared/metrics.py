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
    "gongxiang_events_unread", "Messages in assigned partitions not fetched yet", ["service"]
)
OLDEST_UNSENT_S = Gauge(
    "gongxiang_oldest_unsent_seconds",
    "Age of the oldest row still to be told",
    ["service"],
)
DEAD_LETTERS_OPEN = Gauge(
    "gongxiang_dead_letters_open",
    "Dead letters that nobody has dealt with, up to 1000",
    ["service"],
)
ALARMS_OPEN = Gauge(
    "gongxiang_alarms_open", "Alarms that nobody has settled, up to 1000", ["service", "kind"]
)
QUESTIONS_OPEN = Gauge(
    "gongxiang_questions_open",
    "Orders or records that wait for the ledger, up to 1000",
    ["service", "state"],
)
OLDEST_QUESTION_S = Gauge(
    "gongxiang_oldest_question_seconds", "How long the oldest of them has waited", ["service"]
)
LEASE_IDLE_S = Gauge(
    "gongxiang_lease_idle_seconds", "How long nobody has held the lease", ["service", "lease"]
)
CLOCK_ERROR_S = Gauge(
    "gongxiang_clock_error_seconds", "This process's clock less the database's", ["service"]
)
WATCHED_AT = Gauge(
    "gongxiang_watched_timestamp_seconds", "When the worker last looked at its rows", ["service"]
)
PARTITIONS_PAUSED = Gauge(
    "gongxiang_partitions_paused", "Partitions paused by too many dead letters", ["service"]
)
CONFLICTS = Counter("gongxiang_conflicts", "Units of work run again", ["service"])
HANDLING_S = Histogram("gongxiang_batch_seconds", "Time to handle one batch of events", ["service"])
