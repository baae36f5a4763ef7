"""The nouns that cross the walls between analysis, execution and report: plain frozen data, no I/O."""
