"""Layer 5: tells a webhook what changed, outside the path of probing."""
