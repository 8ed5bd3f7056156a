"""CloudFront in front of the sites: the distribution, how it caches, and what it may read."""
