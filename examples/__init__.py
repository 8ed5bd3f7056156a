"""The product at work: an embedded AWS, a small site, and the demo. The end-to-end tests use them too."""
