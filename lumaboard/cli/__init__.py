"""The command line client: plain Python that speaks to a board by its REST API, from any machine."""
