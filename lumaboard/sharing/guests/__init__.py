"""What guests of a link get, and what other sites are told about it."""
