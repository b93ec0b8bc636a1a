"""Layer 4: the contract run. Its results are values; whoever wants to show them listens."""

from specwatch.contract.ledger import ClaimResult, Ledger
from specwatch.contract.profile import PROFILES, Profile
from specwatch.contract.result import ApiResult, RunResult, exit_code

__all__ = ["PROFILES", "ApiResult", "ClaimResult", "Ledger", "Profile", "RunResult", "exit_code"]
