"""Layer 5: what a run found, told to people and to other programs.

    console       the terminal: header, progress, result, claims, matrix of documented answers
    html          one page, for people
    markdown      a summary for a pull request or a job
    json_report   `specwatch.check/1`, described by check.schema.json beside it
    junit         JUnit XML, one test case per claim
    sarif         SARIF 2.1.0, for code scanning; `annotations` makes workflow commands of it
    har           HAR 1.2, every exchange of the run
    plan          what a run would send
    curl          one exchange as a command line
    absent        what a baseline accepts and a run did not show
    next_steps    commands that lead on from a run
    files         where reports are written
    schemas       the JSON Schemas that lie beside the modules

Import the module you need: those for the terminal load rich, the others load nothing heavy. Exchanges reach this layer
without secrets; no report looks one up.
"""
