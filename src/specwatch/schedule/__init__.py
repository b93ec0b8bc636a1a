"""Layer 2: the probes of a workspace and their schedule, loaded and validated into frozen objects."""

from specwatch.schedule.expense import Expense, apis_of, expense
from specwatch.schedule.form import schedule_schema
from specwatch.schedule.load import load_schedule
from specwatch.schedule.model import DayBudget, Latency, Objective, Probe, Schedule, Span, Weekly, Window
from specwatch.schedule.workspace import SCHEDULE_FILE, Probes, load_documents, load_probes, workflow_files

__all__ = [
    "SCHEDULE_FILE",
    "DayBudget",
    "Expense",
    "Latency",
    "Objective",
    "Probe",
    "Probes",
    "Schedule",
    "Span",
    "Weekly",
    "Window",
    "apis_of",
    "expense",
    "load_documents",
    "load_probes",
    "load_schedule",
    "schedule_schema",
    "workflow_files",
]
