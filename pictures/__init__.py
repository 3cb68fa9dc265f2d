"""Pictures about pictures: sheets of them with labels, and charts; and which files are pictures."""
