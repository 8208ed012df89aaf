"""One file a family. The catalogue finds each by the `FAMILY` it defines."""
