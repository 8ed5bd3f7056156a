"""The site of the documents: the Markdown of the repository, a page for each command, and links that lead somewhere."""
