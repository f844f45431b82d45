"""What activities can do: load, ask the model, save and tell."""

from services.activities.operations.activities import (
    activity,
    change_activity,
    close_activity,
    create_activity,
    led_activity_view,
    list_activities,
    publish_activity,
)
from services.activities.operations.attendances import (
    check_in,
    check_in_code,
    check_out,
    close_forgotten,
)
from services.activities.operations.import_rows import carry_imports
from services.activities.operations.imports import (
    accept_import,
    list_import_rows,
    one_import,
    read_file,
)
from services.activities.operations.records import (
    ask_for_points,
    bank_record,
    confirm_service,
    correct_service,
    list_own_records,
    list_records_for,
    one_record,
)
from services.activities.operations.shifts import add_shift, list_shifts, list_shifts_of, shift
from services.activities.operations.sign_ups import (
    copy_volunteer,
    list_own_sign_ups,
    list_sign_ups_for,
    one_sign_up,
    own_shift_of,
    refuse_where_full,
    sign_up,
    sign_up_views,
    withdraw,
)
from services.activities.operations.views import (
    activity_view,
    import_row_view,
    record_view,
    shift_row_view,
)

__all__ = [
    "SWEEPS",
    "accept_import",
    "activity",
    "activity_view",
    "add_shift",
    "ask_for_points",
    "bank_record",
    "carry_imports",
    "change_activity",
    "check_in",
    "check_in_code",
    "check_out",
    "close_activity",
    "close_forgotten",
    "confirm_service",
    "copy_volunteer",
    "correct_service",
    "create_activity",
    "import_row_view",
    "led_activity_view",
    "list_activities",
    "list_import_rows",
    "list_own_records",
    "list_own_sign_ups",
    "list_records_for",
    "list_shifts",
    "list_shifts_of",
    "list_sign_ups_for",
    "one_import",
    "one_record",
    "one_sign_up",
    "own_shift_of",
    "publish_activity",
    "read_file",
    "record_view",
    "refuse_where_full",
    "shift",
    "shift_row_view",
    "sign_up",
    "sign_up_views",
    "withdraw",
]

SWEEPS = (close_forgotten, ask_for_points, carry_imports)
"""What the worker turns every second."""
