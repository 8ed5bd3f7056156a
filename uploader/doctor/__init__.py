"""The checks of `doctor`: each sends AWS requests that change nothing, and judges the answers.

A check is a function of `Ask`. It needs no client, and its tests give it recorded answers.
"""
