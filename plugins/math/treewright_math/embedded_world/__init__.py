"""The embedded world: procedurally drawn word problems whose every step can be checked exactly.

Read in this order: ``words``, ``phrases``, ``quantities``, ``facts``, ``drawing``, ``problem``,
``solutions``, ``step_check``, ``prompts``; then ``tokenizer``, ``examples``, ``training``.
"""
