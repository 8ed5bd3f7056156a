"""What `doctor` looks at: each check asks AWS something that changes nothing, and judges the answer.

A check is a function of `Ask`; it needs no client, and its tests give it recorded answers.
"""
