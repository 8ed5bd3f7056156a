"""The build job: which CI job the stack trusts, and what this job may do."""
