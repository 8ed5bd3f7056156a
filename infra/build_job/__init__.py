"""The build job: which CI job is trusted, and what it may do."""
