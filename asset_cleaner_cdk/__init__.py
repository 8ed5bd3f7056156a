"""An installation of the asset cleaner, for the CDK.

Each module adds its part by a function. A `Construct` class would put its own id into the logical id of every resource
in it; a class that is renamed, or a resource that moves into another class, would then replace those resources.
"""
