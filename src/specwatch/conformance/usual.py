"""Headers that servers, and what stands before them, send whatever the API is."""

from __future__ import annotations

from typing import Final

_MESSAGE: Final = """
accept-ranges age allow cache-control connection content-disposition content-encoding content-language content-length
content-location content-range content-type date etag expires keep-alive last-modified pragma proxy-authenticate server
set-cookie trailer transfer-encoding upgrade vary via warning www-authenticate
"""
"""RFC 9110 and 9111: what describes a message, its date, its connection and its cache, and how to log in."""

_BROWSERS: Final = """
alt-svc clear-site-data content-security-policy content-security-policy-report-only cross-origin-embedder-policy
cross-origin-opener-policy cross-origin-resource-policy expect-ct feature-policy nel origin-agent-cluster
permissions-policy referrer-policy report-to reporting-endpoints server-timing strict-transport-security
timing-allow-origin x-content-type-options x-dns-prefetch-control x-download-options x-frame-options
x-permitted-cross-domain-policies x-robots-tag x-ua-compatible x-xss-protection
"""
"""For browsers: the Fetch standard, and what secures pages."""

_TRACING: Final = """
b3 baggage cf-cache-status cf-ray p3p request-id trace-id traceparent tracestate x-amz-apigw-id x-amz-cf-id
x-amz-cf-pop x-amz-request-id x-amzn-requestid x-amzn-trace-id x-aspnet-version x-azure-ref x-cache x-cache-hits
x-cloud-trace-context x-correlation-id x-powered-by x-process-time x-real-ip x-request-id x-response-time x-runtime
x-served-by x-timer x-trace-id x-varnish
"""
"""Of tracing, and of proxies and content networks."""

USUAL: Final = frozenset(f"{_MESSAGE} {_BROWSERS} {_TRACING}".split())
PREFIXES: Final = ("access-control-", "fly-", "x-b3-", "x-datadog-", "x-envoy-", "x-forwarded-", "x-vercel-")


def is_usual(header: str) -> bool:
    """Whether a header is one of those, whatever the case of its name."""
    name = header.lower()
    return name in USUAL or name.startswith(PREFIXES)
