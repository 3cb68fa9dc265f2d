"""Pictures about pictures: sheets of them with labels, and charts."""
