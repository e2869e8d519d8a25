"""Pictures: data in, a plotly Figure out; one message each, said in the title."""
