"""The bench: what speed costs here, as ratios measured within one run. `docs/performance.md` says how to read it."""
