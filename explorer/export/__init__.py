"""What can be taken away of a network, of a comparison and of a sweep."""
