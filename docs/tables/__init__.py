"""The tables of the documents that the code declares already: a page names one, and `python -m docs.tables` writes it.

In a page the table stands between two comments, which GitHub does not show::

    <!-- [[[cog print(settings.policy()) ]]] -->
    <!-- [[[end]]] -->

What is between them is generated: change what it is made from, and run ``make format``.
"""
