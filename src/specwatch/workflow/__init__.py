"""Layer 2: Arazzo workflows, loaded and validated into frozen objects.

Arazzo 1.0.x and 1.1.x are read. Refused with their place: AsyncAPI, XPath, `querystring`, targets of replacements that
are no JSON pointers, `dependsOn` of steps of other workflows, and credentials as header parameters (`x-credentials`
says as whom a step is sent). Where the specification is silent or hard to keep:

- a step without criteria succeeds with any 2xx, one that is a workflow when that workflow does;
- lists in a query are repeated, lists elsewhere joined by commas, structures are JSON;
- an input that nobody gave, and an output of a step that did not run, are left out; any other absent value fails the
  step;
- in a JSON text and in a form, values that are filled in are escaped; `"{$inputs.x}"` with a structure becomes it;
- strings in conditions may stand in double quotes too, and a JSONPath criterion may be a comparison (`$.name == 'x'`);
- `$statusCode` and the like of a step that is a workflow are those of the last request of that workflow;
- a relative `url` is looked up beside the file, also where the document has a `$self`.
"""

from specwatch.workflow.inputs import fill_inputs, input_problems, unknown_inputs
from specwatch.workflow.load import load_document
from specwatch.workflow.model import (
    Action,
    ActionKind,
    Body,
    Check,
    Document,
    Parameter,
    SourceDescription,
    Step,
    Workflow,
    WorkflowRef,
)
from specwatch.workflow.scope import Expression, Scope, Value

__all__ = [
    "Action",
    "ActionKind",
    "Body",
    "Check",
    "Document",
    "Expression",
    "Parameter",
    "Scope",
    "SourceDescription",
    "Step",
    "Value",
    "Workflow",
    "WorkflowRef",
    "fill_inputs",
    "input_problems",
    "load_document",
    "unknown_inputs",
]
