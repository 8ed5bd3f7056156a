"""What only a checkout has: the bundle's build, the stack of ``cdk deploy``, and the template without the CDK."""
