"""The parts of a network as data: what they hold and how they hang together."""
