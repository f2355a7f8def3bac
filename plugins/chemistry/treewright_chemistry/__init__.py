"""Structure elucidation from spectra: the chemistry domain of treewright.

Importing this package loads neither RDKit nor the shift tables; its modules do that when they are used.
"""
