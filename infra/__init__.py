"""The stack that ``cdk deploy`` installs."""
