"""What HTTP may say and hear."""

from services.activities.schemas.activities import (
    ActivityChange,
    ActivityPage,
    ActivityQuery,
    ActivitySchema,
    ActivityWithShifts,
    NewActivity,
    NewShift,
    ShiftPage,
    ShiftQuery,
    ShiftSchema,
)
from services.activities.schemas.imports import (
    ImportFiles,
    ImportRowPage,
    ImportRowQuery,
    ImportSchema,
    read_mapping,
)
from services.activities.schemas.rules import RuleValues
from services.activities.schemas.sign_ups import (
    CheckInCode,
    Code,
    Confirmation,
    Correction,
    RecordPage,
    RecordQuery,
    RecordSchema,
    SignUpPage,
    SignUpSchema,
)

__all__ = [
    "ActivityChange",
    "ActivityPage",
    "ActivityQuery",
    "ActivitySchema",
    "ActivityWithShifts",
    "CheckInCode",
    "Code",
    "Confirmation",
    "Correction",
    "ImportFiles",
    "ImportRowPage",
    "ImportRowQuery",
    "ImportSchema",
    "NewActivity",
    "NewShift",
    "RecordPage",
    "RecordQuery",
    "RecordSchema",
    "RuleValues",
    "ShiftPage",
    "ShiftQuery",
    "ShiftSchema",
    "SignUpPage",
    "SignUpSchema",
    "read_mapping",
]
