"""Layer 4: probes on a schedule. Its engine emits events and knows no listener."""
