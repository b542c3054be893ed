"""Going for good: a workspace that is deleted, and what a person takes along or leaves behind."""
