"""A sandbox module for the workspace of `specwatch init`, with faults that a score has to tell apart."""

MODULE = '''
"""The example API, with faults of its own."""

import os
from dataclasses import replace

from specwatch.sandbox import Answer, Call, SandboxApi

api = SandboxApi("example-api")


@api.fault("miscounted", breaks="count-equals-regions", text="One too many is counted.")
def miscounted(_call: Call, answer: Answer) -> Answer:
    return replace(answer, body={**answer.body, "count": 3}) if answer.status == 200 else answer


@api.fault("unseen", breaks="count-equals-regions", text="Nothing that shows.")
def unseen(_call: Call, answer: Answer) -> Answer:
    return answer


@api.fault("dies", breaks="count-equals-regions", text="The process ends.")
def dies(_call: Call, _answer: Answer) -> Answer:
    os._exit(3)
'''
"""One fault is detected, one is not, and one ends the process."""
