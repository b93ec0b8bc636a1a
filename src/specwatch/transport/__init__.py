"""Layer 3: the only place that opens a socket, reads the environment or looks at the clock."""

from specwatch.transport.budget import Budget, RunBudget
from specwatch.transport.clock import AsyncClock, Clock, LoopClock, SystemClock
from specwatch.transport.draft import EXCHANGE, EXTENSION, Draft
from specwatch.transport.environment import read_environment
from specwatch.transport.permission import KINDS, Permission
from specwatch.transport.target import Kind, Target, is_loopback, known_values, missing_setting, parse_target
from specwatch.transport.wallet import Wallet

__all__ = [
    "EXCHANGE",
    "EXTENSION",
    "KINDS",
    "AsyncClock",
    "Budget",
    "Clock",
    "Draft",
    "Kind",
    "LoopClock",
    "Permission",
    "RunBudget",
    "SystemClock",
    "Target",
    "Wallet",
    "is_loopback",
    "known_values",
    "missing_setting",
    "parse_target",
    "read_environment",
]
